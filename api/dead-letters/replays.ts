import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import {
  type Consumer,
  HOLD_MS,
  type ReceivedMessage,
  type Settlement,
} from '@image-pipeline/shared/broker/consumer.ts';
import { publishUntilConfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { decodeMessage } from '@image-pipeline/shared/broker/received-message.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { type ReplayMessage, replayMessageSchema } from '@image-pipeline/shared/contracts/replay.ts';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { inTraceOf } from '@image-pipeline/shared/tracing/messaging.ts';
import { v7 as uuidv7 } from 'uuid';
import type { DeadRun, ReplayPlan, ReplayProgress, ReplayRecords } from './replay-records.ts';

/** Between two writes of the progress (ms). */
const SAVE_MS = 1_000;

export interface ReplaysOptions {
  readonly broker: Pick<Broker, 'consumer' | 'publisher'>;
  readonly records: ReplayRecords;
  /** Runs a replay from this progress, which it updates, to its end; rejects when `signal` aborts. */
  readonly run: (runs: readonly DeadRun[], progress: ReplayProgress, signal: AbortSignal) => Promise<void>;
  /** Resolves when the store is available; rejects when `signal` aborts. */
  readonly mayConsume?: (signal: AbortSignal) => Promise<void>;
  /** How long a message may be unacknowledged, in milliseconds; default 10 minutes. */
  readonly holdMs?: number;
  readonly log: Logger;
}

interface RunningReplay {
  readonly id: string;
  /** Of the channel that delivered its message. */
  readonly lost: AbortSignal;
  readonly ended: Promise<void>;
}

/**
 * Replays of dead letters. A replay is a plan in the store and a message in `image.replays`, which is acknowledged after its
 * end. The queue has a single active consumer, so one replica runs all replays, one at a time; when it stops or dies,
 * RabbitMQ delivers the message to another replica, which continues. Two replicas on one replay would repeat some work,
 * but do nothing wrong. Nor does a second message of the same replay.
 */
export class Replays implements Startable {
  readonly #options: ReplaysOptions;
  readonly #consumer: Consumer;
  readonly #stopping = new AbortController();
  #starting: Promise<void> | undefined;
  #publishing: Promise<void> | undefined;
  #running: RunningReplay | undefined;

  constructor(options: ReplaysOptions) {
    this.#options = options;
    this.#consumer = options.broker.consumer({
      queue: queueNames.replays,
      prefetch: 1,
      onDelivery: (message) => this.#onDelivery(message),
      mayConsume: options.mayConsume,
      // Its queue may be a new one, without the messages of open replays.
      onConsuming: () => {
        this.#publishing = this.#publishOpen();
      },
    });
  }

  /** Waits for broker and store. */
  start(): Promise<void> {
    this.#starting ??= this.#consumer.start().then(() => this.#publishing);
    return this.#starting;
  }

  /** Why no replay can run here, or undefined. */
  get notConsumingBecause(): string | undefined {
    return this.#consumer.notConsumingBecause;
  }

  /** A running replay is left to another replica, or to the next start. */
  async stop(): Promise<void> {
    // First, so that RabbitMQ does not deliver the message to this replica again.
    const stopped = this.#consumer.stop();
    this.#stopping.abort();
    await Promise.allSettled([stopped, this.#starting, this.#publishing, this.#running?.ended]);
  }

  /**
   * Stores the plan and starts the replay. Only one runs at a time.
   * @throws PipelineError `replay_running`; PublishRefused, PublishUnconfirmed; StoreUnavailable
   */
  async begin(plan: ReplayPlan): Promise<void> {
    const { broker, records, log } = this.#options;
    const { replay_id: id } = plan;
    await this.#refuseIfOpen((await records.open())[0]);
    await records.create(plan);
    try {
      // Of two that are started at the same time, the older one continues.
      await this.#refuseIfOpen((await records.open()).find((other) => other < id));
      await broker.publisher.publish(replayMessage(id));
    } catch (error) {
      await records.close(id);
      throw error;
    }
    log.info({ replay_id: id, runs: plan.runs.length }, 'replay started');
  }

  async #refuseIfOpen(open: string | undefined): Promise<void> {
    if (open === undefined) return;
    // Its message may be lost: with the broker's data, or because an earlier version of the API started it without one.
    await this.#options.broker.publisher.publish(replayMessage(open)).catch(() => undefined);
    throw new PipelineError(
      'replay_running',
      `The replay ${open} is still running. Retry when it has ended.`,
      { details: { replay_id: open } },
    );
  }

  /** Publishes the messages of open replays again, because they may be lost. */
  async #publishOpen(): Promise<void> {
    const { broker, records, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      for (const id of await waitForStore(() => records.open(), signal, log)) {
        await publishUntilConfirmed(broker.publisher, replayMessage(id), signal);
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'cannot list the open replays');
    }
  }

  /** Hands the message back from time to time while its replay goes on; RabbitMQ delivers it again at once. */
  async #onDelivery({ content, headers, lost }: ReceivedMessage): Promise<Settlement> {
    const { holdMs = HOLD_MS, log } = this.#options;
    const id = replayIdIn(content);
    if (id === undefined) {
      log.error('invalid message of a replay: discarded');
      return 'ack';
    }
    if (this.#running?.id !== id || this.#running.lost !== lost) {
      await this.#running?.ended.catch(() => undefined);
      const signal = AbortSignal.any([lost, this.#stopping.signal]);
      const ended = inTraceOf(headers, () => this.#runToEnd(id, signal));
      // Nobody may be waiting when it is interrupted.
      ended.catch(() => undefined);
      this.#running = { id, lost, ended };
    }
    const over = new AbortController();
    const held = sleep(holdMs, 'hand-back' as const, { signal: over.signal });
    try {
      return await Promise.race([this.#running.ended.then(() => 'ack' as const), held]);
    } finally {
      over.abort();
    }
  }

  /** Rejects only when `signal` aborts. */
  async #runToEnd(id: string, signal: AbortSignal): Promise<void> {
    const { records } = this.#options;
    const log = this.#options.log.child({ replay_id: id });
    try {
      signal.throwIfAborted();
      const found = await waitForStore(() => records.find(id), signal, log);
      if (found === undefined || found.end !== undefined) return;
      const { plan, progress } = found;
      await this.#runAndSave(plan, progress, signal, log);
      await waitForStore(() => records.end(id, progress), signal, log);
      log.info({ reason: progress.reason }, 'replay ended');
    } catch (error) {
      if (signal.aborted) log.info('replay interrupted');
      signal.throwIfAborted();
      // Open, it would block every other replay.
      log.error({ err: error }, 'cannot run this replay: discarded');
      await records.close(id).catch(() => undefined);
    }
  }

  async #runAndSave(
    { replay_id, runs }: ReplayPlan,
    progress: ReplayProgress,
    signal: AbortSignal,
    log: Logger,
  ): Promise<void> {
    const over = new AbortController();
    const saving = this.#save(replay_id, progress, AbortSignal.any([signal, over.signal]), log);
    try {
      await this.#options.run(runs, progress, signal);
    } catch (error) {
      signal.throwIfAborted();
      progress.reason ??= 'internal error; see the API log';
      log.error({ err: error }, 'replay failed');
    } finally {
      over.abort();
      await saving;
    }
  }

  /** Makes the progress visible to every replica. */
  async #save(id: string, progress: ReplayProgress, signal: AbortSignal, log: Logger): Promise<void> {
    for (let saved = ''; !signal.aborted;) {
      const current = JSON.stringify(progress);
      try {
        if (current !== saved) await this.#options.records.save(id, progress);
        saved = current;
      } catch (error) {
        log.debug({ reason: messageOf(error) }, 'could not write the progress of a replay');
      }
      await sleep(SAVE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function replayMessage(replay_id: string): OutgoingMessage {
  return {
    // The default exchange, whose routing key is the name of the queue.
    exchange: '',
    routingKey: queueNames.replays,
    body: { version: 1, replay_id } satisfies ReplayMessage,
    messageId: uuidv7(),
    correlationId: replay_id,
    type: 'replay',
    contentType: 'application/json',
  };
}

function replayIdIn(content: Buffer): string | undefined {
  try {
    return replayMessageSchema.parse(decodeMessage(content)).replay_id;
  } catch {
    return undefined;
  }
}
