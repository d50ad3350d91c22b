import { setTimeout as sleep } from 'node:timers/promises';

/** An operation exceeded its deadline. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(ms: number) {
    super(`timed out after ${ms} ms`);
  }
}

/**
 * Runs `work` and rejects after `ms` milliseconds, whether or not `work` reacts to its signal. The signal aborts at the
 * deadline and when the work fails, so that its resources are released.
 * @param onTimeout makes the error to reject with; the default is a DeadlineExceeded
 */
export async function withinDeadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeout: () => Error = () => new DeadlineExceeded(ms),
): Promise<T> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(onTimeout()), ms);
  try {
    return await Promise.race([work(controller.signal), late]);
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Settles as `work` does, or rejects as soon as `signal` aborts.
 * @param onAbort makes the error to reject with; the default has the reason of the signal as its cause
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  onAbort: () => Error = () => new Error('aborted', { cause: signal.reason }),
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(onAbort());
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Resolves after `ms` milliseconds, or earlier when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** `ms` ± 20 %, so that many processes do not act at the same moment. */
function withJitter(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4);
}

/** Delays between attempts, in milliseconds: `firstMs`, doubling up to `maxMs`, each ± 20 %. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** @param failures number of failed attempts, from 1 */
export function backoffMs({ firstMs, maxMs }: Backoff, failures: number): number {
  return withJitter(Math.min(firstMs * 2 ** (failures - 1), maxMs));
}

/**
 * Runs `work` until it succeeds. Tries at least once; after `signal` has aborted it rejects with the error of the last
 * attempt.
 * @param onFailure called with the error of each attempt; throws it if there is no use in another attempt
 */
export async function retryWithBackoff<T>(
  work: () => Promise<T>,
  backoff: Backoff,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      onFailure(error);
      await pause(backoffMs(backoff, failures), signal);
      if (signal.aborted) throw error;
    }
  }
}
