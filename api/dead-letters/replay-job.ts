import { deadLetterSchema, type DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { jobRequestSchema, type JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { deadKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { linkWith } from '@image-pipeline/shared/tracing/spans.ts';
import { markDeadLetter } from './mark-dead-letter.ts';
import type { DeadRun } from './replay-record.ts';

export interface ReplayRunDeps {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'putIfAbsent'>;
  /** Publishes the job, and again until the broker has confirmed. */
  readonly publish: (request: JobRequest) => Promise<void>;
  /** Told of every run that was queued; must not throw. */
  readonly onQueued: (request: JobRequest) => void;
}

/**
 * Has a dead run done again, as the next run of its job: request → publish → mark. Whatever dies in between, and
 * whoever else does the same, doing it again finishes it: of several requests for the next run the first one stays,
 * and only that one is published. A request that is stored is never taken back, because another replica may have
 * published it; it is published as soon as the broker takes it.
 * @returns the request of the next run; undefined where there is nothing to replay (any more)
 */
export async function replayRun(dead: DeadRun, deps: ReplayRunDeps): Promise<JobRequest | undefined> {
  const { store, publish, onQueued } = deps;
  const letter = await readJson(store, deadKey(dead.job_id, dead.run), deadLetterSchema);
  if (letter === undefined) return undefined;
  linkWith(letter.traceparent);
  const request = await requestNextRun(letter, store);
  if (request === undefined) return undefined;
  if ((await readOutcome(store, request.job_id, request.run)) === undefined) {
    await publish(request);
    onQueued(request);
  }
  await markDeadLetter(store, letter, 'replayed');
  return request;
}

async function requestNextRun(
  { job_id, run, state }: DeadLetter,
  store: ReplayRunDeps['store'],
): Promise<JobRequest | undefined> {
  const next = requestKey(job_id, run + 1);
  const begun = await readJson(store, next, jobRequestSchema);
  if (begun !== undefined || state !== 'dead') return begun;
  const request = await readJson(store, requestKey(job_id, run), jobRequestSchema);
  if (request === undefined) return undefined;
  const again = { ...request, run: run + 1, submitted_at: new Date().toISOString() };
  if (await store.putIfAbsent(next, jsonBody(again))) return again;
  return readJson(store, next, jobRequestSchema);
}
