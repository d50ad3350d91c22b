import { jobRequestSchema, type JobRequest } from '../contracts/job.ts';
import { type Outcome, outcomeSchema } from '../contracts/outcome.ts';
import { PipelineError } from '../errors.ts';
import { outcomeKey, requestKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readJson } from '../store/read-object.ts';

type ReadableStore = Pick<ObjectStore, 'get'>;

/**
 * The request of a run; undefined if the run was never accepted, whatever a message says.
 * @throws StoreUnavailable; PipelineError `record_damaged`
 */
export async function readRequest(
  store: ReadableStore,
  jobId: string,
  run: number,
): Promise<JobRequest | undefined> {
  const key = requestKey(jobId, run);
  return ofRun(await readJson(store, key, jobRequestSchema), key, { jobId, run });
}

/**
 * The outcome of a run; undefined while it is unfinished.
 * @throws StoreUnavailable; PipelineError `record_damaged`
 */
export async function readOutcome(
  store: ReadableStore,
  jobId: string,
  run: number,
): Promise<Outcome | undefined> {
  const key = outcomeKey(jobId, run);
  return ofRun(await readJson(store, key, outcomeSchema), key, { jobId, run });
}

function ofRun<Record extends JobRequest | Outcome>(
  record: Record | undefined,
  key: string,
  { jobId, run }: { readonly jobId: string; readonly run: number },
): Record | undefined {
  if (record !== undefined && (record.job_id !== jobId || record.run !== run)) {
    throw new PipelineError('record_damaged', `The record ${key} belongs to another run.`);
  }
  return record;
}
