import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createImagePool, type ImagePool } from './image-pool.ts';
import { SlowLane } from './slow-lane.ts';
import type { Behaviour } from './testing/misbehaving-child.ts';

const DEADLINE_MS = 3_000;

let pool: ImagePool | undefined;
afterEach(() => pool?.stop());

/** A started pool, and a function that gives its children something to do. */
async function startPool(slots: number, slowLane = new SlowLane()) {
  const program = new URL('testing/misbehaving-child.ts', import.meta.url);
  const log = { debug: () => undefined, warn: () => undefined };
  const started = createImagePool({ slots, deadlineMs: DEADLINE_MS, program, slowLane, log });
  pool = started;
  await started.start();
  return (behaviour: Behaviour, attempt?: string) =>
    started.process(
      {
        bytes: Buffer.from(behaviour),
        contentType: 'image/png',
        operations: [],
        output: { format: null, quality: 85 },
      },
      attempt === undefined ? {} : { attempt },
    );
}

describe('slow images', () => {
  it('are decoded one at a time: another one is killed, after a ninth of the deadline', async () => {
    const ask = await startPool(3);
    const ends = await Promise.allSettled([ask('decode slowly'), ask('decode slowly'), ask('work')]);
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(ends.find((end) => end.status === 'rejected')?.reason).toMatchObject({
      code: 'slow_image',
      message:
        'Decoding the image took longer than 333 ms, and another slow image is being processed or is next.',
    });
    await expect(ask('decode slowly'), 'the lane is free again').resolves.toBeDefined();
  });

  it('that are slow by the estimate are not started while another one is processed', async () => {
    const ask = await startPool(2);
    const ends = await Promise.allSettled([ask('plan for long'), ask('plan for long')]);
    const [done, refused] = ends.toSorted((one, other) => one.status.localeCompare(other.status));
    expect(done).toMatchObject({ status: 'fulfilled' });
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'slow_image',
        message:
          'Processing the image takes about 2000 ms, and another slow image is being processed or is next.',
      },
    });
  });

  it('by the estimate are processed by a process of their own, all of whose threads have a lower priority', async () => {
    const ask = await startPool(1);
    const ordinary = (await ask('work')).source.width;
    const slow = (await ask('plan for long')).source.width;
    expect(slow).not.toBe(ordinary);
    expect(prioritiesOf(slow)).toEqual([getPriority() + 5]);
    expect((await ask('plan for long')).source.width, 'it is used again').toBe(slow);
    expect((await ask('work')).source.width, 'the ordinary process was not replaced').toBe(ordinary);
    expect(prioritiesOf(ordinary)).toEqual([getPriority()]);
  });

  it('by the estimate replace idle processes that keep much memory, because there is one more process now', async () => {
    const ask = await startPool(1);
    for (let image = 0; image < 2; image++) await ask('hoard');
    const large = (await ask('hoard')).source.width;
    expect((await ask('work')).source.width).toBe(large);
    await ask('plan for long');
    expect((await ask('work')).source.width).not.toBe(large);
  });

  it('must be decoded within a third of the deadline', async () => {
    const ask = await startPool(2);
    const began = performance.now();
    await expect(ask('hang decoding')).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: 'Decoding the image took longer than 1000 ms, a third of JOB_TIMEOUT_MS.',
      details: { limit: 1_000 },
    });
    expect(performance.now() - began).toBeLessThan(2_500);
  });

  it('that are slow after decoding do not affect each other, and have the whole deadline', async () => {
    const ask = await startPool(2);
    await Promise.all([ask('operate'), ask('operate')]);
  });

  it('have the whole deadline for decoding if their attempt entered the lane before', async () => {
    const slowLane = new SlowLane();
    const ask = await startPool(2, slowLane);
    expect(slowLane.enter('first')).toBe(true);
    const ends = await Promise.allSettled([ask('decode slowly', 'first'), ask('decode slowly', 'second')]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(slowLane.enter('third'), 'the first one has left the lane').toBe(true);
  });
});

it('images that take longer than most enter the slow lane, if it is free, and do not wait for it', async () => {
  const ask = await startPool(2);
  await ask('linger');
  const images = await Promise.all([ask('plan for some time'), ask('plan for some time')]);
  const priorities = images.map(({ source }) => getPriority(source.width) - getPriority());
  expect(priorities.toSorted()).toEqual([0, 5]);
});

describe('the slow lane', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ['longer than 1 s, even if others take no time', [1, 2, 3], 1_000],
    ['longer than ten times the median', [100, 200, 5_000], 2_000],
    ['ever: nothing is known yet', [], Infinity],
    ['longer than ten times the median of the newest 20', [...many(20, 9_000), ...many(20, 300)], 3_000],
  ])('calls an image slow if decoding it takes %s', (_what, times, ms) => {
    const lane = new SlowLane();
    for (const time of times) lane.decoded(time);
    expect(lane.slowAfterMs).toBe(ms);
  });

  it.each([
    ['1 s: nothing is known yet', [], 1_000],
    ['1 s, even if others take longer', many(20, 2_000), 1_000],
    ['ten times the median of the newest 20', [...many(20, 900), ...many(9, 400), ...many(11, 40)], 400],
    ['250 ms, even if others take no time', many(20, 1), 250],
  ])('calls an image longer than most if it is estimated to take more than %s', (_what, estimates, ms) => {
    const lane = new SlowLane();
    for (const estimate of estimates) lane.estimated(estimate);
    expect(lane.longEstimateMs).toBe(ms);
  });

  it('has place for one attempt, which can enter it twice', () => {
    const lane = new SlowLane();
    expect([lane.enter('a'), lane.enter('a'), lane.enter('b')]).toEqual([true, true, false]);
    lane.leave('b');
    expect(lane.enter('b'), 'only a can leave for a').toBe(false);
    lane.leave('a');
    expect(lane.enter('b')).toBe(true);
  });

  it('is kept for a job that found it taken, for a while', () => {
    const lane = new SlowLane();
    lane.enter('a');
    lane.reserveIn(30_000);
    lane.leave('a');
    expect([lane.isFree, lane.enter('turned out to be slow')]).toEqual([true, false]);
    expect(lane.enter('returned', { isReserved: true })).toBe(true);
    lane.leave('returned');
    expect(lane.enter('turned out to be slow')).toBe(true);
  });

  it('is kept only from 30 s before such a job returns until 5 s after', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const lane = new SlowLane();
    const isOpen = () => {
      const hasEntered = lane.enter('turned out to be slow');
      lane.leave('turned out to be slow');
      return hasEntered;
    };
    lane.reserveIn(120_000);
    const openAt = [0, 89_000, 91_000, 124_000, 126_000].map((ms, index, times) => {
      vi.advanceTimersByTime(ms - (times[index - 1] ?? 0));
      return isOpen();
    });
    expect(openAt).toEqual([true, true, false, false, true]);
  });

  it('is kept for the job that returns first, and later ones do not put that off', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const lane = new SlowLane();
    lane.reserveIn(120_000);
    vi.advanceTimersByTime(60_000);
    lane.reserveIn(120_000);
    vi.advanceTimersByTime(31_000);
    expect(lane.enter('turned out to be slow'), 'the first is due in 29 s').toBe(false);
    vi.advanceTimersByTime(35_000);
    expect(lane.enter('turned out to be slow'), 'the first is overdue').toBe(true);
    lane.leave('turned out to be slow');
    lane.reserveIn(120_000);
    lane.reserveIn(5_000);
    expect(lane.enter('turned out to be slow'), 'the second is due in 5 s').toBe(false);
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
