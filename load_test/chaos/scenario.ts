import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { Draw } from '../draw.ts';
import { poll } from '../poll.ts';
import { slowImage, smallImage, smallImages } from './chaos-image.ts';
import type { ChaosSystem } from './chaos-system.ts';
import type { Client } from './client.ts';
import type { Subscriber } from './subscriber.ts';

const END_TIMEOUT_MS = 90_000;

/** What a scenario works with. All uploads go through `client`, so that their results can be checked. */
export interface ScenarioContext {
  readonly system: ChaosSystem;
  readonly client: Client;
  readonly subscriber: Subscriber;
  /** Seeded, so that a scenario can be repeated. */
  readonly draw: Draw;
  readonly say: (line: string) => void;
}

/** How long a recovery took, and how long it may take, in milliseconds. */
export interface Recovery {
  readonly what: string;
  readonly ms: number;
  readonly goalMs: number;
}

/** The results of a scenario that the evidence does not contain. */
interface Observation {
  readonly recoveries?: readonly Recovery[];
  /** How the scenario's own images must end, by name. */
  readonly expected?: ReadonlyMap<string, Outcome['state']>;
}

/** One kind of fault under load. Throws if the system does not behave as expected. */
export interface Scenario {
  readonly name: string;
  /** A description of the fault. */
  readonly fault: string;
  /** The required store; without it, either will do. */
  readonly store?: 'minio' | 'folder';
  run(context: ScenarioContext): Promise<Observation>;
}

/** The scenario cannot run on this machine: reported, and not a failure. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** @throws Error with this message unless the condition is true */
export function mustHold(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Resolves when the condition is true. @throws Error at the timeout, with a description of the condition */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  description: string,
  timeoutMs = END_TIMEOUT_MS,
): Promise<void> {
  const reached = await poll(async () => ((await isTrue()) ? true : undefined), { deadlineMs: timeoutMs });
  if (reached === undefined) throw new Error(`timed out waiting until ${description}`);
}

/** Uploads an image of half a second of work this many times at once. */
export function uploadSlow(client: Client, count: number): Promise<(string | undefined)[]> {
  return Promise.all(Array.from({ length: count }, () => client.upload(slowImage)));
}

/** Uploads this many small images at random moments of this many seconds. Resolves when each upload has ended. */
export async function uploadOver(client: Client, jobs: number, seconds: number, draw: Draw): Promise<void> {
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      const image = smallImages[draw(0, smallImages.length - 1)] ?? smallImage;
      await sleep(draw(0, seconds * 1_000));
      await client.upload(image);
    }),
  );
}

/**
 * Milliseconds from `since` until the last of these jobs was processed again, according to their outcomes. Jobs that had
 * ended before, or continued on the same worker, count as zero.
 * @param since milliseconds since 1970
 */
export async function processedAgainAfter(
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

/** Milliseconds until an upload is accepted. Does not wait for the time in Retry-After between attempts. */
export async function acceptingAfter(client: Client): Promise<number> {
  const since = performance.now();
  await until(async () => (await client.tryOnce(smallImage)).kind === 'accepted', 'an upload is accepted');
  return performance.now() - since;
}
