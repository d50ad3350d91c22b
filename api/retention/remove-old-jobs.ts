import { storedDeadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { isDamagedRecord } from '@image-pipeline/shared/errors.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { submittedAt } from '@image-pipeline/shared/jobs/retention.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import {
  deadOfJobPrefix,
  idempotencyPrefix,
  imagePrefixes,
  jobPrefix,
  jobsPrefix,
  originalKey,
  replaysPrefix,
  resultsPrefix,
  runsPrefix,
  thumbnailsPrefix,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { idempotencyRecordSchema } from '../upload/idempotency.ts';

type Store = Pick<ObjectStore, 'get' | 'list' | 'remove'>;

/** On MinIO, this is about twice as fast as one job after the other. */
const JOBS_AT_ONCE = 8;

export interface RemovalLimits {
  /** Removes jobs that ended before this time, in milliseconds since 1970. */
  readonly before: number;
  /**
   * The webhook of a job that ended, and was last attempted, before this time (as above) gets no further attempt. -Infinity:
   * all open webhooks may get one.
   */
  readonly webhooksBefore: number;
  /** Ends the call early. */
  readonly isStopping?: () => boolean;
}

/**
 * Removes all objects of old jobs, and old images without a job. A job with a dead letter is kept until that is replayed or
 * discarded, a job with a webhook until that is delivered or dead-lettered, or cannot be attempted any more. Jobs of one
 * idempotency key are removed together, so that a repeated upload never completes a part of them. May be interrupted at any
 * point, and run several times at once: the next call continues.
 * @returns the number of removed jobs
 * @throws StoreUnavailable
 */
export async function removeOldJobs(store: Store, limits: RemovalLimits): Promise<number> {
  const scan = { store, isStopping: () => false, ...limits };
  const kept = new Set<string>();
  let removed = await removeUploads(scan, kept);
  // The last three find images without a job: of interrupted uploads and removals, and of attempts that ended late.
  for (const prefix of [jobsPrefix, ...imagePrefixes]) {
    // One iterator for all lanes: each takes the next job that is left.
    const ids = oldIds(scan, prefix);
    const lanes = Array.from({ length: JOBS_AT_ONCE }, async () => {
      for await (const jobId of ids) {
        if (kept.has(jobId) || !(await isOld(scan, jobId))) continue;
        if (await removeJob(store, jobId)) removed++;
      }
    });
    // A lane that fails ends the iterator: the others finish their job before the error is thrown.
    await Promise.allSettled(lanes);
    await Promise.all(lanes);
  }
  await removeReplays(scan);
  return removed;
}

interface Scan extends Required<RemovalLimits> {
  readonly store: Store;
}

/**
 * Removes idempotency keys whose jobs are all old or gone, and these jobs. The originals go first: no record leads to those
 * of jobs that were reserved and never accepted. The key goes before the records: a repeated upload must not complete a
 * removed job.
 * @param kept gets the jobs of keys that are still needed
 * @returns the number of removed jobs
 */
async function removeUploads(scan: Scan, kept: Set<string>): Promise<number> {
  const { store, before, isStopping } = scan;
  let removed = 0;
  for await (const { key, modifiedAt } of store.list(idempotencyPrefix)) {
    if (isStopping()) break;
    if (modifiedAt.getTime() >= before) continue;
    const record = await readJson(store, key, idempotencyRecordSchema).catch((error: unknown) => {
      if (isDamagedRecord(error)) return undefined;
      throw error;
    });
    const jobIds = record?.job_ids ?? [];
    if (record === undefined || !(await areOld(scan, jobIds))) {
      for (const jobId of jobIds) kept.add(jobId);
      continue;
    }
    for (const jobId of jobIds) await store.remove(originalKey(jobId));
    await store.remove(key);
    for (const jobId of jobIds) {
      if (await removeJob(store, jobId)) removed++;
    }
  }
  return removed;
}

async function areOld(scan: Scan, jobIds: readonly string[]): Promise<boolean> {
  for (const jobId of jobIds) {
    if (!(await isOld(scan, jobId))) return false;
  }
  return true;
}

/** The ids of jobs submitted before `before`, oldest first. They sort by time, so later ones need not be listed. */
async function* oldIds({ store, before, isStopping }: Scan, prefix: string): AsyncGenerator<string> {
  let last = '';
  for await (const { key } of store.list(prefix)) {
    const [, id = ''] = key.split('/');
    if (isStopping()) return;
    if (id === last || !jobIdSchema.safeParse(id).success) continue;
    if (submittedAt(id) >= before) return;
    yield id;
    last = id;
  }
}

/** Reads the current records, so that a job is kept that has been replayed since it was listed. */
async function isOld(scan: Scan, jobId: string): Promise<boolean> {
  const { store, before } = scan;
  try {
    // Before the runs: a replay stores its run before it updates the dead letter.
    const deadLetters = [];
    for (const key of await keysOf(store, deadOfJobPrefix(jobId))) {
      deadLetters.push(await readJson(store, key, storedDeadLetterSchema));
    }
    const runs = (await keysOf(store, runsPrefix(jobId))).flatMap((key) => {
      const [, , , run, name] = key.split('/');
      return name === 'request.json' ? [Number(run)] : [];
    });
    // Without a request, there is no job: its upload or its removal was interrupted.
    if (runs.length === 0) return true;
    if (deadLetters.some((deadLetter) => deadLetter?.state === 'dead')) return false;
    const run = Math.max(...runs);
    const outcome = await readOutcome(store, jobId, run);
    if (outcome === undefined || Date.parse(outcome.finished_at) >= before) return false;
    if (outcome.state === 'failed' && deadLetters.length === 0) return false;
    return await needsNoWebhook(scan, outcome);
  } catch (error) {
    // Kept for an operator to inspect.
    if (isDamagedRecord(error)) return false;
    throw error;
  }
}

/** Whether the run has no webhook, or one that was delivered or dead-lettered, or gets no further attempt. */
async function needsNoWebhook(
  { store, webhooksBefore }: Scan,
  { job_id, run, finished_at }: Outcome,
): Promise<boolean> {
  const request = await readRequest(store, job_id, run);
  if (request?.callback_url === undefined) return true;
  const attempts = await readWebhookAttempts(store, job_id);
  const last = attempts.findLast((attempt) => attempt.run === run);
  if (last !== undefined && last.state !== 'retrying') return true;
  return Date.parse(last?.at ?? finished_at) < webhooksBefore;
}

/**
 * The requests first: from then on, there is no such job. Other records last: they show that there is more to remove.
 * @returns whether there was such a job
 */
async function removeJob(store: Store, jobId: string): Promise<boolean> {
  const records = await keysOf(store, jobPrefix(jobId));
  const images = [resultsPrefix(jobId), thumbnailsPrefix(jobId), deadOfJobPrefix(jobId)];
  const isRequest = (key: string) => key.endsWith('/request.json');
  for (const key of records.filter(isRequest)) await store.remove(key);
  for (const prefix of images) {
    for (const key of await keysOf(store, prefix)) await store.remove(key);
  }
  await store.remove(originalKey(jobId));
  for (const key of records.filter((record) => !isRequest(record))) await store.remove(key);
  return records.length > 0;
}

/** A replay has ended once it has an `end.json`; its plan comes after it in the list. */
async function removeReplays({ store, before, isStopping }: Scan): Promise<void> {
  for await (const { key, modifiedAt } of store.list(replaysPrefix)) {
    if (isStopping()) return;
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
