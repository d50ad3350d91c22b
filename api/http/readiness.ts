import { messageOf, type PipelineError } from '@image-pipeline/shared/errors.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

/** Nothing lies there: the question is only whether the store answers. */
const PROBE_KEY = 'state/readiness';
const PROBE_TIMEOUT_MS = 2_000;

export interface ReadinessDeps {
  /** Why no job can be accepted right now, or undefined. */
  readonly refuseBecause: () => PipelineError | undefined;
  readonly isCaughtUp: () => boolean;
  readonly store: Pick<ObjectStore, 'stat'>;
}

/** Why the service cannot do all of its work right now, or undefined when it can. */
export async function notReadyBecause({
  refuseBecause,
  isCaughtUp,
  store,
}: ReadinessDeps): Promise<string | undefined> {
  const refusal = refuseBecause();
  if (refusal !== undefined) return refusal.message;
  if (!isCaughtUp()) return 'the event log is still being read';
  try {
    await withinDeadline(PROBE_TIMEOUT_MS, () => store.stat(PROBE_KEY));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
