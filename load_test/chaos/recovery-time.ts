import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { ChaosImage } from './chaos-image.ts';
import type { Client } from './client.ts';

const POLL_MS = 100;
const END_TIMEOUT_MS = 90_000;

/** Resolves when it is true. @throws Error that names what was waited for in vain */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = END_TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await sleep(POLL_MS);
  }
}

/**
 * Milliseconds from `since` until the last of these jobs was at work again, as its outcome tells. Jobs that had
 * ended by then, or that go on where they were, count as no time.
 * @param since milliseconds since 1970
 */
export async function atWorkAgainAfter(
  store: ObjectStore,
  jobIds: readonly string[],
  since: number,
): Promise<number> {
  const starts: number[] = [];
  for (const jobId of jobIds) {
    let outcome: Outcome | undefined;
    await until(
      async () => (outcome = await readOutcome(store, jobId, 1)) !== undefined,
      `job ${jobId} has ended`,
    );
    const start = outcome?.timeline.findLast(({ state }) => state === 'processing');
    if (start !== undefined) starts.push(Date.parse(start.at) - since);
  }
  return Math.max(0, ...starts);
}

/** Milliseconds until an upload is accepted, trying all the time: a client that is told to wait would wait longer. */
export async function acceptingAfter(client: Client, image: ChaosImage): Promise<number> {
  const since = performance.now();
  await until(async () => (await client.tryOnce(image)).kind === 'accepted', 'an upload is accepted');
  return performance.now() - since;
}
