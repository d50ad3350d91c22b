import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { FileContent } from './file-content.ts';
import { UploadSpace, UploadUse } from './upload-space.ts';

const KIB = 1024;
const BLOCK = 256 * KIB;
const upload = () => new UploadUse('192.0.2.1');

function spaceOf(memoryBytes: number, fileBytes = Infinity): UploadSpace {
  return new UploadSpace({ slots: 1, memoryBytes, fileBytes });
}

/** 600 KiB in chunks of uneven size. */
const bytes = randomBytes(600 * KIB);
async function* chunks() {
  for (let at = 0; at < bytes.length; at += 50_001)
    yield await Promise.resolve(bytes.subarray(at, at + 50_001));
}

async function temporaryFiles(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(`image-pipeline-upload-${process.pid}-`));
}

describe('the content of an uploaded file', () => {
  const contents: FileContent[] = [];
  const contentIn = (space: UploadSpace) => {
    const content = new FileContent(space, upload());
    contents.push(content);
    return content;
  };
  afterEach(async () => {
    for (const content of contents.splice(0)) await content.discard();
  });

  it.each([
    ['in memory', 3 * BLOCK],
    ['partly in memory', BLOCK],
    ['in a file', 0],
  ])('can be read several times, %s', async (_where, memory) => {
    const content = contentIn(spaceOf(memory));
    await content.receive(chunks());
    expect(content.size).toBe(bytes.length);
    expect(content.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    const beginning = Buffer.from(await content.beginning());
    expect(beginning.length).toBeGreaterThanOrEqual(4_100);
    expect(bytes.indexOf(beginning)).toBe(0);
    for (let times = 0; times < 2; times++) expect((await buffer(content.read())).equals(bytes)).toBe(true);
    expect(await temporaryFiles()).toEqual([]);
  });

  it('may be empty', async () => {
    const content = contentIn(spaceOf(BLOCK));
    await content.receive((async function* () {})());
    expect(content.size).toBe(0);
    expect(await content.beginning()).toHaveLength(0);
    expect(await buffer(content.read())).toHaveLength(0);
  });

  it('uses whole blocks, whatever the size of the chunks, and releases them once', async () => {
    const space = spaceOf(2 * BLOCK);
    const content = contentIn(space);
    await content.receive(
      (async function* () {
        for (let i = 0; i < 1_000; i++) yield await Promise.resolve(Buffer.from('x'));
      })(),
    );
    expect([space.take(upload())?.length, space.take(upload())]).toEqual([BLOCK, undefined]);
    await content.discard();
    await content.discard();
    expect([space.take(upload())?.length, space.take(upload())]).toEqual([BLOCK, undefined]);
  });

  it.each([0, BLOCK])(
    'that is discarded while it is received takes nothing more (%i)',
    async (bytesOfMemory) => {
      const space = spaceOf(bytesOfMemory);
      const content = contentIn(space);
      const receiving = content.receive(
        (async function* () {
          yield await Promise.resolve(Buffer.from('first'));
          await content.discard();
          yield Buffer.from('second');
        })(),
      );
      await expect(receiving).rejects.toThrow('discarded');
      expect(space.take(upload())?.length).toBe(bytesOfMemory === 0 ? undefined : BLOCK);
    },
  );

  it('is refused when the temporary files of all uploads use up their space, which it releases', async () => {
    const space = spaceOf(BLOCK, 400 * KIB);
    const first = contentIn(space);
    await first.receive(chunks());
    const refused = contentIn(space).receive(chunks());
    await expect(refused).rejects.toMatchObject({ code: 'overloaded' });
    await first.discard();
    await contentIn(space).receive(chunks());
  });

  it('throws the error of its source', async () => {
    const content = contentIn(spaceOf(BLOCK));
    const failing = (async function* () {
      yield await Promise.resolve(Buffer.from('some'));
      throw new RangeError('the upload was aborted');
    })();
    await expect(content.receive(failing)).rejects.toThrow(RangeError);
  });
});
