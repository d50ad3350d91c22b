/** Where a job ends much sooner after all, nobody should have been sent away for longer. */
const MAX_RETRY_AFTER_S = 300;

/** The member of a problem that becomes its `Retry-After`; none where nothing is known, and the usual one is sent. */
export function retryAfterDetails(seconds: number | null | undefined): { retry_after_seconds?: number } {
  if (seconds === null || seconds === undefined) return {};
  return { retry_after_seconds: Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(seconds))) };
}
