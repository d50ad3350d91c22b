import { jobIdSchema } from '../contracts/job.ts';
import { requestKey, runsPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { earlierRunOf, viewOfStored, type EarlierRun, type JobView } from './job-view.ts';
import { readOutcome, readRequest } from './read-run.ts';

type ReadableStore = Pick<ObjectStore, 'get' | 'list'>;

/**
 * A job as recorded in the store: its newest run with request and outcome, and the outcomes of earlier runs. A run
 * without an outcome is `queued`, since the store does not know more. Undefined if no such job was accepted. Reads one
 * object at a time, so that a call occupies one slot of a RequestQueue.
 * @param jobId any text; an invalid id is an unknown job
 * @throws StoreUnavailable; PipelineError `record_damaged`
 */
export async function findStoredJob(store: ReadableStore, jobId: string): Promise<JobView | undefined> {
  if (!jobIdSchema.safeParse(jobId).success) return undefined;
  const runs = await listRuns(store, jobId);
  const newest = runs.pop() ?? 1;
  // Read even if no run is listed: the list omits a link or a folder in the place of a record, and reading it throws.
  const request = await readRequest(store, jobId, newest);
  if (request === undefined) return undefined;
  const outcome = await readOutcome(store, jobId, newest);
  const earlier: EarlierRun[] = [];
  for (const run of runs) earlier.push(earlierRunOf(run, await readOutcome(store, jobId, run)));
  return viewOfStored(request, outcome, earlier);
}

/** The runs with a request, by number. Keys are listed in byte order, 10 before 2. */
async function listRuns(store: ReadableStore, jobId: string): Promise<number[]> {
  const prefix = runsPrefix(jobId);
  const runs: number[] = [];
  for await (const { key } of store.list(prefix)) {
    const run = Number.parseInt(key.slice(prefix.length), 10);
    if (Number.isSafeInteger(run) && key === requestKey(jobId, run)) runs.push(run);
  }
  return runs.toSorted((one, other) => one - other);
}
