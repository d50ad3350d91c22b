import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import PQueue from 'p-queue';
import type { DeadRun, ReplayCourse } from './replay-record.ts';

const LOOKS_AT_ONCE = 16;

/**
 * A runner may have died between asking for a run and writing that down. What the store has a request of was begun: it
 * is followed to its end even where the replay has been stopped, or nobody would publish it. @throws StoreUnavailable
 */
export async function catchUp(
  runs: readonly DeadRun[],
  { jobs }: ReplayCourse,
  store: Pick<ObjectStore, 'stat'>,
): Promise<void> {
  const looks = new PQueue({ concurrency: LOOKS_AT_ONCE });
  const look = async ({ job_id, run }: DeadRun, index: number) => {
    if (jobs[index] !== 'waiting') return;
    if ((await store.stat(requestKey(job_id, run + 1))) !== undefined) jobs[index] = 'replayed';
  };
  await looks.addAll(runs.map((dead, index) => () => look(dead, index)));
}
