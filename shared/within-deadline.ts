/** An operation exceeded its deadline. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(ms: number) {
    super(`timed out after ${ms} ms`);
  }
}

/**
 * Runs `work` and rejects with DeadlineExceeded after `ms` milliseconds, whether or not `work` reacts to its signal. The
 * signal aborts at the deadline and when the work fails, so that its resources are released.
 */
export async function withinDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineExceeded(ms)), ms);
  try {
    return await Promise.race([work(controller.signal), late]);
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
