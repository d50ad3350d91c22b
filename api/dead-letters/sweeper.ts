import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { ReceivedMessage } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { DeadLetters } from './dead-letters.ts';
import { readDeath } from './read-death.ts';

/** Pause between two sweeps (ms), at least five times the duration of one: each holds the whole queue. */
const PAUSE_MS = 2_000;
const PAUSE_FACTOR = 5;
/** A message may be held by another replica's sweep, not yet be in the queue, or already be removed. */
const TRIES = 5;

/** AMQP allows 65,535; in a longer queue later sweeps reach the messages beyond this. */
const MAX_PREFETCH = 60_000;
/** More than may arrive between reading the queue length and the deliveries. */
const MARGIN = 100;
/** After this time (ms) without deliveries, another consumer has the rest. */
const IDLE_MS = 1_000;
const POLL_MS = 20;

export interface SweeperOptions {
  /** Sweeps once and returns the keys of the records whose messages it removed. */
  readonly sweep: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
  /** Minimum pause between two sweeps; default 2 s. */
  readonly pauseMs?: number;
  readonly log: Logger;
}

/** Sweeps the dead-letter queue after marks: one sweep at a time, and again for messages it did not find. */
export class Sweeper implements Startable {
  readonly #options: SweeperOptions;
  readonly #stopping = new AbortController();
  /** Remaining sweeps for each record, by key. */
  readonly #wanted = new Map<string, number>();
  #isWanted = false;
  /** In a row. */
  #failures = 0;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** The first sweep removes what was marked before the last stop. */
  start(): Promise<void> {
    this.request([]);
    return Promise.resolve();
  }

  /** Sweeps soon, for these marked dead letters. */
  request(deadLetters: readonly Pick<DeadLetter, 'job_id' | 'run'>[]): void {
    for (const { job_id, run } of deadLetters) this.#wanted.set(deadKey(job_id, run), TRIES);
    this.#isWanted = true;
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#sweeping;
  }

  #begin(): void {
    this.#sweeping ??= this.#sweepWhileWanted().finally(() => {
      this.#sweeping = undefined;
      // Requested just when the last sweep was over.
      if (this.#isWanted && !this.#stopping.signal.aborted) this.#begin();
    });
  }

  async #sweepWhileWanted(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#isWanted && !signal.aborted) {
      this.#isWanted = false;
      const startedAt = performance.now();
      await this.#sweepOnce();
      const pause = Math.max(
        this.#options.pauseMs ?? PAUSE_MS,
        (performance.now() - startedAt) * PAUSE_FACTOR,
      );
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sweepOnce(): Promise<void> {
    const { sweep, log } = this.#options;
    const sought = [...this.#wanted.keys()];
    try {
      const taken = await sweep(this.#stopping.signal);
      if (taken.size > 0) log.info({ messages: taken.size }, 'swept the dead-letter queue');
      for (const key of sought) this.#tick(key, taken.has(key));
      this.#isWanted ||= this.#wanted.size > 0;
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      const level = this.#failures === 1 ? 'debug' : 'warn';
      log[level]({ reason: messageOf(error) }, 'could not sweep the dead-letter queue; retrying');
      this.#isWanted = true;
    }
  }

  #tick(key: string, isTaken: boolean): void {
    const left = (this.#wanted.get(key) ?? 0) - 1;
    if (isTaken || left < 1) this.#wanted.delete(key);
    else this.#wanted.set(key, left);
  }
}

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
  const { ready } = await broker.queues.inspect(queueNames.dead);
  if (ready === 0) return new Set();
  const held: ReceivedMessage[] = [];
  const { promise: decided, resolve: decide } = Promise.withResolvers<ReadonlyMap<ReceivedMessage, string>>();
  const consumer = broker.consumer({
    queue: queueNames.dead,
    prefetch: Math.min(ready + MARGIN, MAX_PREFETCH),
    onDelivery: async (message) => {
      held.push(message);
      return (await decided).has(message) ? 'ack' : 'keep';
    },
  });
  const stop = () => void consumer.stop(0);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await consumer.start();
    await untilAllAreHeld(held, Math.min(ready, MAX_PREFETCH), signal);
    const removable = await chooseRemovable(held, deps);
    decide(removable);
    return new Set(removable.values());
  } finally {
    signal.removeEventListener('abort', stop);
    decide(new Map());
    await consumer.stop();
  }
}

async function untilAllAreHeld(
  held: readonly ReceivedMessage[],
  expected: number,
  signal: AbortSignal,
): Promise<void> {
  for (let idle = 0; held.length < expected && idle < IDLE_MS; idle += POLL_MS) {
    const before = held.length;
    await sleep(POLL_MS, undefined, { signal });
    if (held.length > before) idle = 0;
  }
}

/** The messages that may leave, with the keys of their records. The records are read last, so that all marks are seen. */
async function chooseRemovable(
  held: readonly ReceivedMessage[],
  { deadLetters, store }: SweepDeps,
): Promise<ReadonlyMap<ReceivedMessage, string>> {
  const records = new Map(
    (await deadLetters.records()).map((deadLetter) => [
      deadKey(deadLetter.job_id, deadLetter.run),
      deadLetter,
    ]),
  );
  const removable = new Map<ReceivedMessage, string>();
  for (const message of [...held]) {
    const { jobId, run, messageId } = readDeath(message, new Date());
    const keys = [deadKey(jobId, run), deadKey(messageId, 1)];
    const key = keys.find((known) => records.has(known)) ?? deadKey(jobId, run);
    const deadLetter = records.get(key);
    const outcome = deadLetter === undefined ? await readOutcome(store, jobId, run) : undefined;
    if (!message.lost.aborted && mayLeaveQueue(deadLetter, outcome)) removable.set(message, key);
  }
  return removable;
}

/**
 * Whether a message may be removed from the dead-letter queue: its dead letter was replayed or removed, or its run
 * completed after all and has no dead letter. A message without any record stays: it is being recorded.
 */
export function mayLeaveQueue(deadLetter: DeadLetter | undefined, outcome: Outcome | undefined): boolean {
  if (deadLetter !== undefined) return deadLetter.state !== 'dead';
  return outcome?.state === 'completed';
}
