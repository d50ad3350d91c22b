import { jobIdSchema } from '../contracts/job.ts';
import type { Outcome } from '../contracts/outcome.ts';
import { outcomeKey, requestKey, runsPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { earlierRunOf, viewOfStored, type EarlierRun, type JobView } from './job-view.ts';
import { readOutcome, readRequest } from './read-run.ts';

type ReadableStore = Pick<ObjectStore, 'get' | 'list'>;

/** The records of one run of a job. */
interface StoredRun {
  readonly run: number;
  readonly requested: boolean;
  readonly ended: boolean;
}

/**
 * A job as recorded in the store: its newest run with request and outcome, and the outcomes of earlier runs. A run
 * without an outcome is `queued`, since the store does not know more. Undefined if no such job was accepted. Reads one
 * object at a time, so that a call occupies one slot of a RequestQueue.
 * @param jobId any text; an invalid id is an unknown job
 * @throws StoreUnavailable
 */
export async function findStoredJob(store: ReadableStore, jobId: string): Promise<JobView | undefined> {
  if (!jobIdSchema.safeParse(jobId).success) return undefined;
  const runs = await listRuns(store, jobId);
  const newest = runs.findLast((stored) => stored.requested);
  if (newest === undefined) return undefined;
  const request = await readRequest(store, jobId, newest.run);
  const outcome = await outcomeOf(store, jobId, newest);
  return request && viewOfStored(request, outcome, await readEarlierRuns(store, jobId, runs, newest.run));
}

/** Sorted by number: keys are listed in byte order, 10 before 2. */
async function listRuns(store: ReadableStore, jobId: string): Promise<readonly StoredRun[]> {
  const prefix = runsPrefix(jobId);
  const runs = new Map<number, StoredRun>();
  for await (const { key } of store.list(prefix)) {
    const run = Number.parseInt(key.slice(prefix.length), 10);
    if (!Number.isSafeInteger(run)) continue;
    const known = runs.get(run) ?? { run, requested: false, ended: false };
    runs.set(run, {
      run,
      requested: known.requested || key === requestKey(jobId, run),
      ended: known.ended || key === outcomeKey(jobId, run),
    });
  }
  return [...runs.values()].toSorted((one, other) => one.run - other.run);
}

async function readEarlierRuns(
  store: ReadableStore,
  jobId: string,
  runs: readonly StoredRun[],
  newest: number,
): Promise<EarlierRun[]> {
  const earlier: EarlierRun[] = [];
  for (const stored of runs.filter(({ run, requested }) => requested && run < newest)) {
    earlier.push(earlierRunOf(stored.run, await outcomeOf(store, jobId, stored)));
  }
  return earlier;
}

async function outcomeOf(
  store: ReadableStore,
  jobId: string,
  { run, ended }: StoredRun,
): Promise<Outcome | undefined> {
  return ended ? readOutcome(store, jobId, run) : undefined;
}
