import { ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { asSharp } from '../engine/bitmap.ts';
import { cornersPicture, decodeElsewhere, largestDifference } from '../engine/testing/pixels.ts';
import { createImagePool, type ImagePool, type ImagePoolOptions } from './image-pool.ts';
import type { Behaviour } from './testing/misbehaving-child.ts';

const MIB = 1024 * 1024;
const output = { format: null, quality: 85 } as const;
const log = { debug: () => undefined, warn: () => undefined };

const pools: ImagePool[] = [];
const pids = new Set<number>();
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
  expect([...pids].filter(isAlive), 'processes that outlive their pool').toEqual([]);
  pids.clear();
});

function createPool(options: Partial<ImagePoolOptions> = {}): ImagePool {
  const program = new URL('testing/misbehaving-child.ts', import.meta.url);
  const pool = createImagePool({
    slots: 1,
    deadlineMs: 5_000,
    memoryLimitBytes: 400 * MIB,
    program,
    log,
    ...options,
  });
  pools.push(pool);
  return pool;
}

/** The process id of the child that responded. */
async function ask(pool: ImagePool, behaviour: Behaviour, isSlow = false): Promise<number> {
  const task = { bytes: Buffer.from(behaviour), contentType: 'image/png', operations: [], output } as const;
  const { source } = await pool.process(task, { isSlow });
  pids.add(source.width);
  return source.width;
}

async function resultOf(pool: ImagePool): Promise<WeakRef<object>> {
  const task = { bytes: Buffer.from('work'), contentType: 'image/png', operations: [], output } as const;
  return new WeakRef((await pool.process(task)).result);
}

/** A process that has died but whose new parent has not noticed yet counts as dead. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('with the image engine', () => {
  it.each(['jimp', 'sharp'] as const)('an image is processed in a child process (%s)', async (engine) => {
    const pool = createImagePool({ slots: 1, engine, log });
    pools.push(pool);
    const picture = cornersPicture({ width: 300, height: 200 });
    const bytes = await asSharp(picture).png().toBuffer();
    const invert = { type: 'filter', name: 'invert' } as const;
    const task = { bytes, contentType: 'image/png', operations: [invert], output } as const;
    const { result, thumbnail } = await pool.process(task);
    const expected = await decodeElsewhere(await asSharp(picture).negate({ alpha: false }).png().toBuffer());
    expect(largestDifference(await decodeElsewhere(result.bytes), expected)).toBe(0);
    expect(thumbnail).toMatchObject({ width: 256, height: 171 });

    const refused = pool.process({ ...task, bytes: bytes.subarray(0, 100) });
    await expect(refused).rejects.toBeInstanceOf(PermanentFailure);
    await expect(refused).rejects.toMatchObject({ code: 'undecodable_image' });
  });
});

describe('a child that', () => {
  it('hangs is killed within a second of its deadline, and no other is', async () => {
    const pool = createPool({ slots: 2, deadlineMs: 1_000 });
    await pool.start();
    const [one, other] = await Promise.all([ask(pool, 'linger'), ask(pool, 'linger')]);
    const began = performance.now();
    const hanging = ask(pool, 'hang');
    const sibling = await ask(pool, 'work');
    await expect(hanging).rejects.toBeInstanceOf(TransientFailure);
    await expect(hanging).rejects.toMatchObject({ code: 'deadline_exceeded', details: { limit: 1_000 } });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(isAlive(one) !== isAlive(other)).toBe(true);
    expect(isAlive(sibling)).toBe(true);
  });

  it('exceeds its memory limit is killed and replaced', async () => {
    const pool = createPool();
    const before = await ask(pool, 'work');
    const hogging = ask(pool, 'hog');
    await expect(hogging).rejects.toBeInstanceOf(TransientFailure);
    await expect(hogging).rejects.toMatchObject({ code: 'memory_exceeded', details: { limit: 400 * MIB } });
    expect(isAlive(before)).toBe(false);
    expect(await ask(pool, 'work')).not.toBe(before);
  });

  it.each(['segfault', 'exit'] as const)(
    'dies by %s fails its image with engine_crashed and is replaced',
    async (death) => {
      const pool = createPool();
      const before = await ask(pool, 'work');
      const dying = ask(pool, death);
      await expect(dying).rejects.toBeInstanceOf(TransientFailure);
      await expect(dying).rejects.toMatchObject({ code: 'engine_crashed' });
      expect(await ask(pool, 'work')).not.toBe(before);
    },
  );

  it('is killed between two images is replaced', async () => {
    const pool = createPool();
    const before = await ask(pool, 'work');
    process.kill(before, 'SIGKILL');
    while (isAlive(before)) await sleep(5);
    await sleep(50);
    const after = await ask(pool, 'work');
    const kill = vi.spyOn(ChildProcess.prototype, 'kill');
    await pool.stop();
    const killed = kill.mock.contexts.filter((child) => child instanceof ChildProcess).map(({ pid }) => pid);
    kill.mockRestore();
    expect(killed, 'the pool has forgotten the one that died').toEqual([after]);
  });

  it('throws a permanent failure passes on class, code, message, details and cause', async () => {
    const refused = ask(createPool(), 'refuse');
    await expect(refused).rejects.toBeInstanceOf(PermanentFailure);
    await expect(refused).rejects.toMatchObject({
      code: 'image_too_large',
      message: 'Too large.',
      details: { limit: 1, seen: 2 },
      cause: 'the cause',
    });
  });

  it('throws an unexpected error fails this image transiently and continues', async () => {
    const pool = createPool();
    const before = await ask(pool, 'work');
    const stumbling = ask(pool, 'stumble');
    await expect(stumbling).rejects.toBeInstanceOf(TransientFailure);
    await expect(stumbling).rejects.toMatchObject({
      code: 'processing_failed',
      message: 'unexpected',
    });
    expect(await ask(pool, 'work')).toBe(before);
  });

  it('gets a terminal signal continues', async () => {
    const pool = createPool();
    const pid = await ask(pool, 'work');
    const lingering = ask(pool, 'linger');
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    expect(await lingering).toBe(pid);
  });

  it('does not start fails the start and every image', async () => {
    const pool = createPool({ program: new URL('testing/stillborn-child.ts', import.meta.url) });
    await expect(pool.start()).rejects.toMatchObject({ code: 'engine_crashed' });
    await expect(ask(pool, 'work')).rejects.toBeInstanceOf(TransientFailure);
  });

  it('reads its environment sees none of the parent variables', async () => {
    process.env['API_TOKEN'] = 'secret';
    const bytes = Buffer.from('work');
    const { result } = await createPool().process({
      bytes,
      contentType: 'image/png',
      operations: [],
      output,
    });
    expect(Buffer.from(result.bytes).toString()).not.toContain('API_TOKEN');
  });
});

it('a child that is killed although its image is done gets no other image', async () => {
  const pool = createPool({ deadlineMs: 900 });
  await pool.start();
  const done = ask(pool, 'work');
  await setImmediate();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_200); // the result arrives, but the deadline passes first
  await done.catch(() => undefined);
  expect(await ask(pool, 'work')).toBeTypeOf('number');
});

describe('a child is replaced', () => {
  it('after its maximum number of images', async () => {
    const pool = createPool({ recycleAfter: 3 });
    const pids: number[] = [];
    for (let image = 0; image < 7; image++) pids.push(await ask(pool, 'work'));
    const [first, second, third] = [pids[0], pids[3], pids[6]];
    expect(pids).toEqual([first, first, first, second, second, second, third]);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it.each([false, true])('when it does not free its memory (of a slow image: %s)', async (isSlow) => {
    const pool = createPool({ memoryLimitBytes: 250 * MIB });
    const pids: number[] = [];
    for (let image = 0; image < 4; image++) pids.push(await ask(pool, 'hoard', isSlow));
    expect(new Set(pids).size).toBeGreaterThan(1);
  });
});

it('an image goes to the idle process with the most memory, so that the others stay small', async () => {
  const pool = createPool({ slots: 2 });
  await pool.start();
  const [large, small] = await Promise.all([ask(pool, 'hoard'), ask(pool, 'linger')]);
  expect(small).not.toBe(large);
  expect([await ask(pool, 'work'), await ask(pool, 'work')]).toEqual([large, large]);
});

describe('starting and stopping', () => {
  it('constructing does nothing', async () => {
    const pool = createPool({ program: new URL('testing/stillborn-child.ts', import.meta.url) });
    await expect(pool.stop()).resolves.toBeUndefined();
  });

  it('can be called twice and concurrently', async () => {
    const pool = createPool({ slots: 2 });
    await Promise.all([pool.start(), pool.start()]);
    await Promise.all([ask(pool, 'linger'), ask(pool, 'linger')]);
    await ask(pool, 'work', true);
    expect(pids.size).toBe(3);
    await Promise.all([pool.stop(), pool.stop()]);
    await pool.stop();
    expect([...pids].filter(isAlive)).toEqual([]);
  });

  it('stopping while starting leaves nothing behind', async () => {
    const pool = createPool({ slots: 2 });
    const starting = pool.start();
    await pool.stop();
    await starting;
  });

  it('stopping waits for the image in progress, and rejects the others', async () => {
    const pool = createPool();
    await pool.start();
    const inHand = ask(pool, 'linger');
    const stopping = pool.stop();
    await expect(ask(pool, 'work')).rejects.toBeInstanceOf(TransientFailure);
    await expect(inHand).resolves.toBeTypeOf('number');
    await stopping;
  });

  it('images beyond the number of slots wait for a free one', async () => {
    const pool = createPool({ slots: 2 });
    const pids = await Promise.all(Array.from({ length: 8 }, () => ask(pool, 'work')));
    expect(new Set(pids).size).toBeLessThanOrEqual(2);
  });
});

it('a pool keeps no image that it has processed', async () => {
  const pool = createPool();
  const results: WeakRef<object>[] = [];
  for (let image = 0; image < 5; image++) results.push(await resultOf(pool));
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  await setImmediate(); // until then, WeakRef itself keeps them
  collectGarbage();
  expect(results.filter((result) => result.deref() !== undefined)).toHaveLength(0);
});

it('children exit when their parent is killed, even one that hangs', async () => {
  const parent = spawn(process.execPath, [fileURLToPath(new URL('testing/parent.ts', import.meta.url))]);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const children = line.toString().trim().split(' ').map(Number);
  expect(children.map(isAlive)).toEqual([true, true]);
  await sleep(100); // the last task is on its way to the child that hangs
  parent.kill('SIGKILL');
  const died = (async () => {
    while (children.some(isAlive)) await sleep(10);
  })();
  await expect(Promise.race([died, sleep(5_000).then(() => 'still alive')])).resolves.toBeUndefined();
});
