import { storedDeadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { isDamagedRecord } from '@image-pipeline/shared/errors.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import { submittedAt } from '@image-pipeline/shared/jobs/retention.ts';
import {
  deadOfJobPrefix,
  idempotencyPrefix,
  jobPrefix,
  jobsPrefix,
  originalKey,
  replaysPrefix,
  requestKey,
  resultsPrefix,
  thumbnailsPrefix,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { idempotencyRecordSchema } from '../upload/idempotency.ts';

type Store = Pick<ObjectStore, 'get' | 'stat' | 'list' | 'remove'>;

/** Maximum number of jobs that one call removes. */
const MAX_JOBS = 10_000;

/**
 * Removes all objects of the jobs that ended before `before`. A job with a dead letter is kept until that is replayed or
 * discarded, and jobs of one idempotency key are removed together, so that a repeated upload never completes a part of
 * them. May be interrupted at any point, and run several times at once: the next call continues.
 * @param before milliseconds since 1970
 * @param isStopping ends the call early
 * @returns the number of removed jobs
 * @throws StoreUnavailable
 */
export async function removeOldJobs(
  store: Store,
  before: number,
  isStopping: () => boolean = () => false,
): Promise<number> {
  const old = await findOldJobs(store, before, isStopping);
  await removeIdempotencyKeys(store, before, old);
  let removed = 0;
  for (const jobId of old) {
    if (isStopping()) break;
    await removeJob(store, jobId);
    removed++;
  }
  await removeReplays(store, before);
  return removed;
}

/** Job ids sort by time, so jobs that were submitted later need not be read. */
async function findOldJobs(store: Store, before: number, isStopping: () => boolean): Promise<Set<string>> {
  const old = new Set<string>();
  for await (const [jobId, keys] of recordsByJob(store)) {
    if (submittedAt(jobId) >= before || old.size === MAX_JOBS || isStopping()) break;
    if (await isOld(store, jobId, keys, before)) old.add(jobId);
  }
  return old;
}

/** The ids of all jobs, oldest first, with the keys of their records. */
async function* recordsByJob(store: Store): AsyncGenerator<readonly [jobId: string, keys: string[]]> {
  let jobId = '';
  let keys: string[] = [];
  for await (const { key } of store.list(jobsPrefix)) {
    const [, id = ''] = key.split('/');
    if (id !== jobId && keys.length > 0) yield [jobId, keys];
    if (id !== jobId) keys = [];
    jobId = id;
    keys.push(key);
  }
  if (keys.length > 0) yield [jobId, keys];
}

async function isOld(store: Store, jobId: string, keys: readonly string[], before: number): Promise<boolean> {
  const runs = keys.flatMap((key) => {
    const [, , kind, run, name] = key.split('/');
    return kind === 'runs' && name === 'request.json' ? [Number(run)] : [];
  });
  // Without a request, there is no job: its removal was interrupted.
  if (runs.length === 0) return true;
  try {
    const outcome = await readOutcome(store, jobId, Math.max(...runs));
    if (outcome === undefined || Date.parse(outcome.finished_at) >= before) return false;
    const deadLetters = [];
    for await (const { key } of store.list(deadOfJobPrefix(jobId))) {
      deadLetters.push(await readJson(store, key, storedDeadLetterSchema));
    }
    if (outcome.state === 'failed' && deadLetters.length === 0) return false;
    return deadLetters.every((deadLetter) => deadLetter === undefined || deadLetter.state !== 'dead');
  } catch (error) {
    // People decide what becomes of it.
    if (isDamagedRecord(error)) return false;
    throw error;
  }
}

/** Removes the keys whose jobs are all old or gone; takes jobs out of `old` whose key is still needed. */
async function removeIdempotencyKeys(store: Store, before: number, old: Set<string>): Promise<void> {
  for await (const { key, modifiedAt } of store.list(idempotencyPrefix)) {
    if (modifiedAt.getTime() >= before) continue;
    const record = await readJson(store, key, idempotencyRecordSchema).catch((error: unknown) => {
      if (isDamagedRecord(error)) return undefined;
      throw error;
    });
    if (record === undefined) continue;
    const needed = [];
    for (const jobId of record.job_ids) {
      if (!old.has(jobId) && (await store.stat(requestKey(jobId, 1))) !== undefined) needed.push(jobId);
    }
    for (const jobId of record.job_ids) {
      // Also the originals of jobs that were reserved and never accepted.
      if (needed.length === 0) old.add(jobId);
      else old.delete(jobId);
    }
    if (needed.length === 0) await store.remove(key);
  }
}

/** The requests first: from then on, there is no such job. Other records last: they show that there is more to remove. */
async function removeJob(store: Store, jobId: string): Promise<void> {
  const records = await keysOf(store, jobPrefix(jobId));
  const images = [resultsPrefix(jobId), thumbnailsPrefix(jobId), deadOfJobPrefix(jobId)];
  for (const key of records.filter((record) => record.endsWith('/request.json'))) await store.remove(key);
  for (const prefix of images) {
    for (const key of await keysOf(store, prefix)) await store.remove(key);
  }
  await store.remove(originalKey(jobId));
  for (const key of records) await store.remove(key);
}

/** A replay has ended once it has an `end.json`; its plan comes after it in the list. */
async function removeReplays(store: Store, before: number): Promise<void> {
  for await (const { key, modifiedAt } of store.list(replaysPrefix)) {
    if (!key.endsWith('/end.json') || modifiedAt.getTime() >= before) continue;
    await store.remove(key.replace(/end\.json$/, 'plan.json'));
    await store.remove(key);
  }
}

async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
