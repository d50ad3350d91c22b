import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { createImagePool, type ImagePool } from './image-pool.ts';
import type { Behaviour } from './testing/misbehaving-child.ts';
import { UsualTimes } from './usual-times.ts';

const DEADLINE_MS = 3_000;

let pool: ImagePool | undefined;
afterEach(() => pool?.stop());

/** A started pool, and a function that gives its children something to do. */
async function startPool(slots: number) {
  const program = new URL('testing/misbehaving-child.ts', import.meta.url);
  const log = { debug: () => undefined, warn: () => undefined };
  const started = createImagePool({ slots, deadlineMs: DEADLINE_MS, program, log });
  pool = started;
  await started.start();
  return (behaviour: Behaviour, isSlow = false) =>
    started.process(
      {
        bytes: Buffer.from(behaviour),
        contentType: 'image/png',
        operations: [],
        output: { format: null, quality: 85 },
      },
      { isSlow },
    );
}

describe('an ordinary process', () => {
  it('does not start an image that is slow by the estimate, and takes the next one', async () => {
    const ask = await startPool(1);
    await expect(ask('plan for long')).rejects.toMatchObject({
      code: 'slow_image',
      message: 'Processing the image takes about 2000 ms, longer than 1000 ms.',
      details: { limit: 1_000, seen: 2_000 },
    });
    await expect(ask('work')).resolves.toBeDefined();
  });

  it('does not start an image that is estimated to take much longer than others, until many take as long', async () => {
    const ask = await startPool(1);
    const isRefused = () =>
      ask('plan for some time').then(
        () => false,
        () => true,
      );
    expect(await isRefused(), 'nothing is known yet').toBe(false);
    for (let image = 0; image < 3; image++) await ask('linger');
    const refused = [await isRefused(), await isRefused(), await isRefused()];
    expect(refused).toEqual([true, true, false]);
  });

  it('is killed while it decodes an image for a ninth of the deadline', async () => {
    const ask = await startPool(1);
    await expect(ask('decode slowly')).rejects.toMatchObject({
      code: 'slow_image',
      message: 'Decoding the image took longer than 333 ms.',
    });
    await expect(ask('work')).resolves.toBeDefined();
  });

  it('has the whole deadline after decoding', async () => {
    const ask = await startPool(2);
    await Promise.all([ask('operate'), ask('operate')]);
  });
});

describe('the process for slow images', () => {
  it('processes one at a time, and does not take the slot of an ordinary one', async () => {
    const ask = await startPool(1);
    const ends: string[] = [];
    const note = (name: string) => () => ends.push(name);
    await Promise.all([
      ask('plan for long', true).then(note('slow')),
      ask('plan for long', true).then(note('slow')),
      ask('work').then(note('ordinary')),
    ]);
    expect(ends).toEqual(['ordinary', 'slow', 'slow']);
    const [slow, again, ordinary] = await Promise.all([ask('work', true), ask('work', true), ask('work')]);
    expect(again.source.width, 'it is used again').toBe(slow.source.width);
    expect(ordinary.source.width).not.toBe(slow.source.width);
  });

  it('has a lower priority, with all its threads', async () => {
    const ask = await startPool(1);
    expect(prioritiesOf((await ask('work', true)).source.width)).toEqual([getPriority() + 10]);
    expect(prioritiesOf((await ask('work')).source.width)).toEqual([getPriority()]);
  });

  it('must decode an image within a third of the deadline in CPU time', async () => {
    const ask = await startPool(1);
    await expect(ask('hang decoding', true)).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: 'Decoding the image took longer than 1000 ms, a third of JOB_TIMEOUT_MS.',
      details: { limit: 1_000 },
    });
  });

  it('may decode an image for longer if it does not get the CPU', async () => {
    const ask = await startPool(1);
    await expect(ask('wait to decode', true)).resolves.toBeDefined();
  });
});

describe('an image is slow', () => {
  it.each([
    ['longer than 1 s, even if others take no time', [1, 2, 3], 1_000],
    ['longer than ten times the median', [100, 200, 5_000], 2_000],
    ['ever: nothing is known yet', [], Infinity],
    ['longer than ten times the median of the newest 20', [...many(20, 9_000), ...many(20, 300)], 3_000],
  ])('if decoding it takes %s', (_what, times, ms) => {
    const usual = new UsualTimes();
    for (const time of times) usual.decoded(time);
    expect(usual.maxDecodingMs).toBe(ms);
  });

  it.each([
    ['1 s: nothing is known yet', [], 1_000],
    ['1 s, even if others take longer', many(20, 2_000), 1_000],
    ['ten times the median of the newest 20', [...many(20, 900), ...many(9, 400), ...many(11, 40)], 400],
    ['250 ms, even if others take no time', many(20, 1), 250],
  ])('if it is estimated to take more than %s', (_what, estimates, ms) => {
    const usual = new UsualTimes();
    for (const estimate of estimates) usual.estimated(estimate);
    expect(usual.maxEstimateMs).toBe(ms);
  });
});

/** The different nice values of a process's threads; elsewhere than on Linux, that of the process. */
function prioritiesOf(pid: number): number[] {
  const threads = process.platform === 'linux' ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid];
  return [...new Set(threads.map((thread) => getPriority(thread)))];
}

function many(count: number, ms: number): number[] {
  return Array.from({ length: count }, () => ms);
}
