import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { outcomeKey } from '@image-pipeline/shared/store/keys.ts';
import type { QueueDepth } from './broker-under-test.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { strayProcesses } from './processes.ts';
import type { Subscriber } from './subscriber.ts';

/** I4: nothing is open any more 60 s after recovery, plus the retry delays. */
const REST_MS = 62_000;
const POLL_MS = 500;
/** The management API's figures are up to 5 s old: queues are at rest when it has said so for longer. */
const QUIET_MS = 6_000;
/** Where nothing may lie at rest. */
const isWorked = (name: string) =>
  name !== queueNames.dead && name !== queueNames.eventLog && !name.startsWith('image.webhooks');

/** How all that is not in the store was found when it had come to rest, or when the time was up. */
export interface Rest {
  /** Milliseconds that it took until every accepted job had ended. */
  readonly endedAfterMs: number;
  readonly queues: readonly QueueDepth[];
  readonly temporaryFiles: readonly string[];
  readonly strays: readonly string[];
}

/** Waits until every accepted job has ended and been told, every queue is empty and every service ready. */
export async function settle(
  system: ChaosSystem,
  accepted: readonly string[],
  subscriber: Subscriber | undefined,
): Promise<Rest> {
  const since = performance.now();
  const isLate = () => performance.now() - since > REST_MS;
  for (const service of system.services.services) await service.untilReady();
  let open = accepted;
  while (open.length > 0 && !isLate()) {
    open = await withoutOutcome(system, open);
    if (open.length > 0) await sleep(POLL_MS);
  }
  const endedAfterMs = performance.now() - since;
  const untold = () => accepted.filter((jobId) => subscriber !== undefined && !subscriber.ends.has(jobId));
  while (!isLate() && untold().length > 0) await sleep(POLL_MS);
  let queues = await system.broker.queues();
  for (let quietSince = performance.now(); !isLate() && performance.now() - quietSince < QUIET_MS;) {
    await sleep(POLL_MS);
    queues = await system.broker.queues();
    if (queues.some(isBusy)) quietSince = performance.now();
  }
  while (!isLate() && (await leftovers(system)).length > 0) await sleep(POLL_MS);
  const { services, slots } = system;
  const strays = await strayProcesses(services, slots);
  return { endedAfterMs, queues, temporaryFiles: await leftovers(system), strays };
}

async function withoutOutcome(system: ChaosSystem, jobIds: readonly string[]): Promise<string[]> {
  const open: string[] = [];
  for (const jobId of jobIds) {
    if ((await system.store.direct.stat(outcomeKey(jobId, 1))) === undefined) open.push(jobId);
  }
  return open;
}

function isBusy({ name, ready, unacked }: QueueDepth): boolean {
  return isWorked(name) && ready + unacked > 0;
}

/** Half-written objects, and files of uploads; each api keeps an empty folder of its own. */
async function leftovers({ services, store }: ChaosSystem): Promise<string[]> {
  const own = `image-pipeline-api-${services.api.pid ?? 0}-`;
  const inTemp = await readdir(services.temp);
  const uploads = await Promise.all(
    inTemp.filter((name) => name.startsWith(own)).map((name) => readdir(join(services.temp, name))),
  );
  const strangers = inTemp.filter((name) => !name.startsWith(own));
  return [...strangers, ...uploads.flat(), ...(await store.temporaryFiles())];
}
