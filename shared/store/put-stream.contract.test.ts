import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import { InvalidKey } from './object-key.ts';
import { type AnnouncedBody, defaultTimeouts } from './object-store.ts';
import { openStore } from './open-store.ts';

describeEachStore('putting a stream', (given) => {
  it('takes a stream of unknown size', async () => {
    const key = `${given.ownPrefix()}a`;
    await given.store.put(key, Readable.from(pieces(10)));
    expect((await given.store.stat(key))?.size).toBe(640 * 1024);
  });

  it('keeps only a few chunks of it in memory if its size and digest are known', async () => {
    const prefix = given.ownPrefix();
    const piece = Buffer.alloc(64 * 1024, 'piece');
    const sha256 = createHash('sha256')
      .update(Buffer.alloc(4 * 1024 * 1024, piece))
      .digest('hex');
    const announced = { size: 4 * 1024 * 1024, sha256 };
    const put = (n: number) =>
      given.store.put(`${prefix}${n}`, Readable.from(Array<Buffer>(64).fill(piece)), announced);
    await put(0);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 1);
    await Promise.all(Array.from({ length: 32 }, (_, n) => put(n)));
    clearInterval(watch);
    expect(most).toBeGreaterThan(0);
    // Of 128 MiB.
    expect(most - before).toBeLessThan(64 * 1024 * 1024);
    expect((await given.store.stat(`${prefix}31`))?.size).toBe(announced.size);
  });

  it('leaves nothing when it fails, and its own error is thrown', async () => {
    const key = `${given.ownPrefix()}a`;
    const failing = Readable.from(
      pieces(20, () => {
        throw new RangeError('the upload broke off');
      }),
    );
    await expect(given.store.put(key, failing)).rejects.toThrow(RangeError);
    expect(await given.store.stat(key)).toBeUndefined();
  });

  it('leaves nothing when it is destroyed midway', async () => {
    const key = `${given.ownPrefix()}a`;
    const stream = new PassThrough();
    const put = given.store.put(key, stream);
    stream.write(Buffer.alloc(1024));
    stream.destroy();
    await expect(put).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    expect(await given.store.stat(key)).toBeUndefined();
  });

  it.each([
    ['shorter', 640 * 1024 + 1],
    ['longer', 640 * 1024 - 1],
  ])('leaves nothing when it is %s than announced, and what was there stays', async (_, size) => {
    const key = `${given.ownPrefix()}a`;
    await given.store.put(key, Buffer.from('before'));
    const announced = { ...(await announcementOf(10)), size };
    await expect(given.store.put(key, Readable.from(pieces(10)), announced)).rejects.toThrow('announced');
    expect((await given.bytesOf(key))?.toString()).toBe('before');
  });

  it('is destroyed even where the key is wrong', async () => {
    const stream = Readable.from(pieces(1));
    await expect(given.store.put('../a', stream)).rejects.toThrow(InvalidKey);
    expect(stream.destroyed).toBe(true);
  });

  it('is waited for no longer than a call may take', async () => {
    const impatient = openStore({ ...given.config, timeouts: { ...defaultTimeouts, operationMs: 200 } });
    const key = `${given.ownPrefix()}a`;
    const stalled = new PassThrough();
    stalled.write('the rest never comes');
    await expect(impatient.put(key, stalled)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(stalled.destroyed).toBe(true);
    expect(await given.store.stat(key)).toBeUndefined();
    await impatient.stop();
  });
});

/** A stream of `count` pieces of 64 KiB that then does what `end` says. */
async function* pieces(count: number, end?: () => void): AsyncGenerator<Buffer> {
  for (let i = 0; i < count; i++) yield await Promise.resolve(Buffer.alloc(64 * 1024, i));
  end?.();
}

/** Length and digest of `pieces(count)`. */
async function announcementOf(count: number): Promise<AnnouncedBody> {
  const hash = createHash('sha256');
  for await (const piece of pieces(count)) hash.update(piece);
  return { size: count * 64 * 1024, sha256: hash.digest('hex') };
}
