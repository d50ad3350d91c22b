import { jobIdSchema, jobRequestSchema } from '../contracts/job.ts';
import { outcomeSchema, type Outcome } from '../contracts/outcome.ts';
import { outcomeKey, requestKey, runsPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readJson } from '../store/read-object.ts';
import { earlierRunOf, viewOfStored, type EarlierRun, type JobView } from './job-view.ts';

type ReadableStore = Pick<ObjectStore, 'get' | 'list'>;

/** What the store has of one run of a job. */
interface StoredRun {
  readonly run: number;
  readonly requested: boolean;
  readonly ended: boolean;
}

/**
 * A job as the store knows it: its newest run with request and outcome, and how the runs before it ended. A run
 * without an outcome is `queued`, as the store cannot know more. Undefined where no such job was ever accepted.
 * Reads one object after the other, so that who takes turns at the store takes one at a time.
 * @param jobId any text; what is not an id of ours is the id of no job
 * @throws StoreUnavailable
 */
export async function findStoredJob(store: ReadableStore, jobId: string): Promise<JobView | undefined> {
  if (!jobIdSchema.safeParse(jobId).success) return undefined;
  const runs = await listRuns(store, jobId);
  const newest = runs.findLast((stored) => stored.requested);
  if (newest === undefined) return undefined;
  const request = await readJson(store, requestKey(jobId, newest.run), jobRequestSchema);
  const outcome = await readOutcome(store, jobId, newest);
  return request && viewOfStored(request, outcome, await readEarlierRuns(store, jobId, runs, newest.run));
}

/** How the runs before `run` ended, oldest first. */
export async function findEarlierRuns(
  store: ReadableStore,
  jobId: string,
  run: number,
): Promise<readonly EarlierRun[]> {
  return readEarlierRuns(store, jobId, await listRuns(store, jobId), run);
}

/** By number; keys come in byte order, in which 10 stands before 2. */
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
    earlier.push(earlierRunOf(stored.run, await readOutcome(store, jobId, stored)));
  }
  return earlier;
}

async function readOutcome(
  store: ReadableStore,
  jobId: string,
  { run, ended }: StoredRun,
): Promise<Outcome | undefined> {
  return ended ? readJson(store, outcomeKey(jobId, run), outcomeSchema) : undefined;
}
