import type { QueueInspector } from '@image-pipeline/shared/broker/queue-inspector.ts';
import {
  queueNames,
  webhookRetryQueueName,
  type RetryDelay,
} from '@image-pipeline/shared/broker/topology.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import { retentionTurnKey, retentionTurnsPrefix } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { removeOldJobs } from './remove-old-jobs.ts';

const CHECK_EVERY_SECONDS = 60;
const TURN_MS = 10 * 60_000;
/** The event log has the end of a job for a week; as long, a lost webhook is published again. */
const LOST_WEBHOOK_MS = 7 * 24 * 3_600_000;

export interface RetentionOptions {
  readonly store: ObjectStore;
  /** How long jobs are kept after their end, in milliseconds. */
  readonly retentionMs: number;
  readonly webhookRetryDelays: readonly RetryDelay[];
  readonly queues: Pick<QueueInspector, 'inspect'>;
  /** How long the delivery of a webhook can take without a trace in queues or store, in milliseconds. */
  readonly longestDeliveryMs: number;
  /** The name of this replica, unique in the system. */
  readonly instance: string;
  readonly log: Logger;
}

/**
 * Removes old jobs every ten minutes. Of several replicas, the one that writes the record of the turn first does it; if it
 * stops meanwhile, the next turn continues.
 */
export function createRetention(options: RetentionOptions): Repeater {
  const { store, retentionMs, instance, log } = options;
  const lostBefore = watchWebhookQueues(options);
  let lastTurn = '';
  const repeater = new Repeater(async () => {
    const webhooksBefore = await lostBefore();
    const turn = new Date(Math.floor(Date.now() / TURN_MS) * TURN_MS).toISOString().replace(/\D/g, '');
    if (turn === lastTurn) return undefined;
    try {
      const isOurs = await store.putIfAbsent(retentionTurnKey(turn), jsonBody({ version: 1, instance }));
      lastTurn = turn;
      if (!isOurs) return undefined;
      for await (const { key } of store.list(retentionTurnsPrefix)) {
        if (key < retentionTurnKey(turn)) await store.remove(key);
      }
      const removed = await removeOldJobs(store, {
        before: Date.now() - retentionMs,
        webhooksBefore,
        isStopping: () => !repeater.isOn,
      });
      if (removed > 0) log.info({ jobs: removed }, 'removed jobs older than RETENTION');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not remove old jobs; continuing in the next turn');
    }
    return undefined;
  }, CHECK_EVERY_SECONDS);
  return repeater;
}

/**
 * Returns a function that inspects the webhook queues and returns the time before which a webhook that was neither delivered nor
 * dead-lettered gets no further attempt, in milliseconds since 1970: its message was lost, and is not published again. While
 * messages wait, this cannot be known of any webhook. RabbitMQ does not count messages that are being delivered, so it is known
 * only when all inspections since the longest delivery have found no message: a webhook that was in delivery then has a new
 * record, or is back in a queue.
 */
function watchWebhookQueues(options: RetentionOptions): () => Promise<number> {
  const { webhookRetryDelays, queues, longestDeliveryMs, log } = options;
  const names = [queueNames.webhooks, ...webhookRetryDelays.map(webhookRetryQueueName)];
  const keptMs = webhookRetryDelays.reduce((sum, { delayMs }) => sum + delayMs, LOST_WEBHOOK_MS);
  /** Of the first of these inspections, by the monotonic clock. */
  let emptySince: number | undefined;
  return async () => {
    try {
      const counts = await Promise.all(names.map((name) => queues.inspect(name)));
      if (counts.some(({ ready }) => ready > 0)) emptySince = undefined;
      else emptySince ??= performance.now();
    } catch (error) {
      emptySince = undefined;
      log.warn(
        { reason: messageOf(error) },
        'could not inspect the webhook queues; keeping jobs with open webhooks',
      );
    }
    const isSettled = emptySince !== undefined && performance.now() - emptySince >= longestDeliveryMs;
    return isSettled ? Date.now() - keptMs : -Infinity;
  };
}
