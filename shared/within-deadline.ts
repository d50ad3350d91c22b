/** Something took longer than it may. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/**
 * Does `work` and rejects with DeadlineExceeded once `ms` have passed, whether or not `work` takes notice. The signal
 * is aborted when the time is up and when the work fails, so that whatever it still holds is let go.
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
