import { describe, expect, it } from 'vitest';
import {
  backoffMs,
  DeadlineExceeded,
  pause,
  retryWithBackoff,
  untilAborted,
  withinDeadline,
} from './waiting.ts';

const never = () => new Promise<never>(() => undefined);
const backoff = { firstMs: 1, maxMs: 4 };

describe('a deadline', () => {
  it('rejects work that takes longer, and aborts its signal', async () => {
    let given: AbortSignal | undefined;
    const work = withinDeadline(5, (signal) => {
      given = signal;
      return never();
    });
    await expect(work).rejects.toThrow(new DeadlineExceeded(5));
    expect(given?.aborted).toBe(true);
  });

  it('rejects with an error of the caller', async () => {
    await expect(withinDeadline(5, never, () => new RangeError('late'))).rejects.toThrow(RangeError);
  });

  it('does nothing to work that is in time', async () => {
    expect(await withinDeadline(10_000, () => Promise.resolve('done'))).toBe('done');
  });
});

describe('an abort', () => {
  it('ends a pause', async () => {
    await pause(1_000_000, AbortSignal.abort());
  });

  it('ends the wait for work that does not react to it, with the reason', async () => {
    const cause = new Error('the client is gone');
    await expect(untilAborted(never(), AbortSignal.abort(cause))).rejects.toMatchObject({ cause });
  });
});

describe('a retry', () => {
  it('runs until the work succeeds', async () => {
    let attempts = 0;
    const seen: unknown[] = [];
    const work = () => (++attempts < 4 ? Promise.reject(new Error(`${attempts}`)) : Promise.resolve('done'));
    const result = retryWithBackoff(work, backoff, new AbortController().signal, (error) => seen.push(error));
    expect(await result).toBe('done');
    expect(seen).toMatchObject([{ message: '1' }, { message: '2' }, { message: '3' }]);
  });

  it('tries once even if the signal has aborted, and rejects with the error of the attempt', async () => {
    const failing = () => Promise.reject(new Error('no store'));
    await expect(
      retryWithBackoff(
        failing,
        { firstMs: 1_000_000, maxMs: 1_000_000 },
        AbortSignal.abort(),
        () => undefined,
      ),
    ).rejects.toThrow('no store');
  });

  it('ends where another attempt is of no use', async () => {
    const failing = () => Promise.reject(new Error('wrong password'));
    await expect(
      retryWithBackoff(failing, backoff, new AbortController().signal, (error) => {
        throw error;
      }),
    ).rejects.toThrow('wrong password');
  });

  it('waits twice as long each time, up to a maximum, with 20 % jitter', () => {
    for (const [failures, ms] of [
      [1, 100],
      [2, 200],
      [6, 3_000],
      [2_000, 3_000],
    ] as const) {
      const delay = backoffMs({ firstMs: 100, maxMs: 3_000 }, failures);
      expect(delay).toBeGreaterThanOrEqual(ms * 0.8);
      expect(delay).toBeLessThanOrEqual(ms * 1.2);
    }
  });
});
