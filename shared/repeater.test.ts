import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Repeater } from './repeater.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a repeated task', () => {
  it('runs once for a thousand concurrent calls', async () => {
    const work = vi.fn(() => Promise.resolve(undefined));
    const repeater = new Repeater(work, 600);
    await Promise.all(Array.from({ length: 1_000 }, () => repeater.now()));
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('uses a new interval at once, measured from the last start', async () => {
    const work = vi.fn(() => Promise.resolve(undefined));
    const repeater = new Repeater(work, 600);
    await repeater.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(work).toHaveBeenCalledTimes(1);
    repeater.intervalSeconds = 15;
    await vi.advanceTimersByTimeAsync(4_900);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(work).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(work).toHaveBeenCalledTimes(4);
    await repeater.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(work).toHaveBeenCalledTimes(4);
  });

  it('runs earlier if the work requests it', async () => {
    const work = vi.fn(() => Promise.resolve(2));
    const repeater = new Repeater(work, 600);
    await repeater.start();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(work).toHaveBeenCalledTimes(4);
    await repeater.stop();
  });

  it('does not overlap if it takes longer than the interval', async () => {
    let [active, most] = [0, 0];
    const repeater = new Repeater(async () => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      active--;
      return undefined;
    }, 1);
    await repeater.start();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(most).toBe(1);
    const stopped = repeater.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    await stopped;
  });
});
