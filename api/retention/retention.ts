import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import { retentionTurnKey, retentionTurnsPrefix } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { removeOldJobs } from './remove-old-jobs.ts';
import { INSPECT_EVERY_SECONDS, watchWebhookQueues, type WebhookQueuesOptions } from './webhook-queues.ts';

const CHECK_EVERY_SECONDS = 60;
const TURN_MS = 10 * 60_000;
/** The event log has the end of a job for a week; as long, a lost webhook is published again. */
const LOST_WEBHOOK_MS = 7 * 24 * 3_600_000;

interface RetentionOptions extends WebhookQueuesOptions {
  readonly store: ObjectStore;
  /** How long jobs are kept after their end, in milliseconds. */
  readonly retentionMs: number;
  /** The name of this replica, unique in the system. */
  readonly instance: string;
  readonly log: Logger;
}

/**
 * Removes old jobs every ten minutes. Of several replicas, the one that writes the record of the turn first does it; if it
 * stops meanwhile, the next turn continues. The webhook queues are inspected during a turn, too.
 */
export function createRetention(options: RetentionOptions): Startable {
  const { store, retentionMs, webhookRetryDelays, instance, log } = options;
  const keptMs = webhookRetryDelays.reduce((sum, { delayMs }) => sum + delayMs, LOST_WEBHOOK_MS);
  const inspect = watchWebhookQueues(options);
  let hasNoMessages = false;
  const inspections = new Repeater(async () => {
    hasNoMessages = await inspect();
    return undefined;
  }, INSPECT_EVERY_SECONDS);
  let lastTurn = '';
  const turns = new Repeater(async () => {
    const turn = new Date(Math.floor(Date.now() / TURN_MS) * TURN_MS).toISOString().replace(/\D/g, '');
    if (turn === lastTurn) return undefined;
    try {
      const isOurs = await store.putIfAbsent(retentionTurnKey(turn), jsonBody({ version: 1, instance }));
      lastTurn = turn;
      if (!isOurs) return undefined;
      for await (const { key } of store.list(retentionTurnsPrefix)) {
        if (key < retentionTurnKey(turn)) await store.remove(key);
      }
      await inspections.now();
      const removed = await removeOldJobs(store, {
        before: Date.now() - retentionMs,
        // An older webhook that was neither delivered nor dead-lettered was lost, and is not published again.
        webhooksBefore: hasNoMessages ? Date.now() - keptMs : -Infinity,
        isStopping: () => !turns.isOn,
      });
      if (removed > 0) log.info({ jobs: removed }, 'removed jobs older than RETENTION');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not remove old jobs; continuing in the next turn');
    }
    return undefined;
  }, CHECK_EVERY_SECONDS);
  return {
    start: async () => {
      await Promise.all([inspections.start(), turns.start()]);
    },
    stop: async () => {
      await Promise.all([inspections.stop(), turns.stop()]);
    },
  };
}
