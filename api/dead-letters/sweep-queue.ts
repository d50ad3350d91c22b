import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { Delivery, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { DeadLetters } from './dead-letters.ts';
import { readDeath } from './read-death.ts';

/** AMQP allows 65,535; in a longer queue later sweeps reach the messages beyond this. */
const MAX_PREFETCH = 60_000;
/** More than may arrive between reading the queue length and the deliveries. */
const MARGIN = 100;
/** Single active consumer: after this time (ms) without deliveries, another consumer has the messages. */
const IDLE_MS = 1_000;
const POLL_MS = 20;

export interface SweepDeps {
  readonly broker: Pick<Broker, 'consumer' | 'queues'>;
  readonly deadLetters: Pick<DeadLetters, 'records'>;
  readonly store: Pick<ObjectStore, 'get'>;
}

/**
 * Removes the messages of replayed and removed dead letters from the dead-letter queue. It holds all messages unacked,
 * acknowledges those, and closes its channel; the rest are requeued in their order.
 * @returns the keys of the records whose messages were removed
 * @throws PipelineError if broker or store is unavailable: nothing is lost, a later sweep does it
 */
export async function sweepQueue(deps: SweepDeps, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { broker } = deps;
  const removed = new Set<string>();
  const { ready } = await broker.queues.inspect(queueNames.dead);
  if (ready === 0) return removed;
  const held: Delivery[] = [];
  const consumer = broker.consumer({
    queue: queueNames.dead,
    prefetch: Math.min(ready + MARGIN, MAX_PREFETCH),
    onDelivery: (delivery) => {
      held.push(delivery);
      // Never settled: it returns to the queue when the channel closes.
      return new Promise<Settlement>(() => undefined);
    },
  });
  const stop = () => void consumer.stop(0);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await consumer.start();
    await untilAllAreHeld(held, Math.min(ready, MAX_PREFETCH), signal);
    await settle(held, removed, deps);
  } finally {
    signal.removeEventListener('abort', stop);
    await consumer.stop(0);
  }
  return removed;
}

async function untilAllAreHeld(
  held: readonly Delivery[],
  expected: number,
  signal: AbortSignal,
): Promise<void> {
  for (let idle = 0; held.length < expected && idle < IDLE_MS; idle += POLL_MS) {
    const before = held.length;
    await sleep(POLL_MS, undefined, { signal });
    if (held.length > before) idle = 0;
  }
}

/** The records are read after the messages were delivered, so that all earlier marks are seen. */
async function settle(held: readonly Delivery[], removed: Set<string>, deps: SweepDeps): Promise<void> {
  const deadLetters = new Map(
    (await deps.deadLetters.records()).map((deadLetter) => [keyOf(deadLetter), deadLetter]),
  );
  for (const delivery of held) {
    const { jobId, run } = readDeath(delivery, new Date());
    const key = deadKey(jobId, run);
    const deadLetter = deadLetters.get(key);
    const outcome = deadLetter === undefined ? await readOutcome(deps.store, jobId, run) : undefined;
    if (delivery.lost.aborted || !mayLeaveQueue(deadLetter, outcome)) continue;
    delivery.ack();
    removed.add(key);
  }
}

function keyOf({ job_id, run }: DeadLetter): string {
  return deadKey(job_id, run);
}

/**
 * Whether a message may be removed from the dead-letter queue: its dead letter was replayed or removed, or its run
 * completed after all and has no dead letter. A message without any record stays: it is being recorded.
 */
export function mayLeaveQueue(deadLetter: DeadLetter | undefined, outcome: Outcome | undefined): boolean {
  if (deadLetter !== undefined) return deadLetter.state !== 'dead';
  return outcome?.state === 'completed';
}
