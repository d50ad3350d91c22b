import { webhookAttemptSchema, type WebhookAttempt } from '../contracts/webhook.ts';
import { PipelineError, StoreUnavailable } from '../errors.ts';
import { webhookKey, webhooksPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { jsonBody, readJson } from '../store/read-object.ts';

/**
 * All attempts to deliver webhooks of a job, oldest first. Malformed records are skipped: they must block neither the
 * webhook nor the status of its job.
 * @param onUnreadable called for each skipped record
 * @throws StoreUnavailable
 */
export async function readWebhookAttempts(
  store: Pick<ObjectStore, 'get' | 'list'>,
  jobId: string,
  onUnreadable: (error: PipelineError) => void = () => undefined,
): Promise<readonly WebhookAttempt[]> {
  const numbers = await listNumbers(store, jobId);
  const read = async (number: number) => {
    try {
      return await readJson(store, webhookKey(jobId, number), webhookAttemptSchema);
    } catch (error) {
      if (error instanceof StoreUnavailable || !(error instanceof PipelineError)) throw error;
      onUnreadable(error);
      return undefined;
    }
  };
  const attempts = await Promise.all(numbers.map(read));
  return attempts.filter((attempt) => attempt !== undefined);
}

/** Stores an attempt under the next free number. @throws StoreUnavailable; safe to call again */
export async function recordWebhookAttempt(
  store: Pick<ObjectStore, 'putIfAbsent' | 'list'>,
  attempt: WebhookAttempt,
): Promise<void> {
  const numbers = await listNumbers(store, attempt.job_id);
  let number = numbers.at(-1) ?? 1;
  // From the newest one, which may be this very attempt, written in a call that seemed to fail.
  while (!(await store.putIfAbsent(webhookKey(attempt.job_id, number), jsonBody(attempt)))) number++;
}

/** Sorted by number: keys are listed in byte order, 10 before 2. */
async function listNumbers(store: Pick<ObjectStore, 'list'>, jobId: string): Promise<readonly number[]> {
  const prefix = webhooksPrefix(jobId);
  const numbers: number[] = [];
  for await (const { key } of store.list(prefix)) {
    const number = Number.parseInt(key.slice(prefix.length), 10);
    if (Number.isSafeInteger(number) && key === webhookKey(jobId, number)) numbers.push(number);
  }
  return numbers.toSorted((one, other) => one - other);
}
