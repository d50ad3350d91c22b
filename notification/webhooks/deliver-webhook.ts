import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { type Publisher, publishUntilConfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { readWebhookAttempts, recordWebhookAttempt } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { receiverKey } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { decideDeliveryFate, type DeliveryFate, whatIsDue } from './decide-delivery-fate.ts';
import { sendWebhook, type SendOptions, type SentWebhook } from './post-webhook.ts';
import type { LostWebhooks } from './lost-webhooks.ts';
import type { Place, ReceiverSlots } from './receiver-slots.ts';
import {
  DEFERRALS_HEADER,
  PUT_BACK_HEADER,
  readWebhook,
  retryMessage,
  UnreadableWebhook,
  type PendingWebhook,
} from './webhook-message.ts';

export interface DeliverWebhookDeps extends Omit<SendOptions, 'signal'> {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'putIfAbsent'>;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly retryDelays: readonly RetryDelay[];
  readonly slots: ReceiverSlots;
  readonly lost: Pick<LostWebhooks, 'onEnded' | 'onMessage'>;
  /** Aborts when the service stops: waiting webhooks are handed back. */
  readonly stopping: AbortSignal;
  /** Aborts when the service stops waiting for the posts in progress. */
  readonly drainDeadline: AbortSignal;
  readonly metrics: Pick<Metrics, 'increase' | 'observe'>;
  readonly log: Logger;
}

/** One webhook while it is being delivered. */
interface WebhookContext extends PendingWebhook {
  readonly isRedelivered: boolean;
  /** Aborts when the service stops or the channel is closed: no use in waiting any longer. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Delivers one webhook and returns the settlement of its message. The order is: posted, next attempt published to its
 * retry queue, attempt recorded, message settled. Whatever dies in between is redelivered, so delivery is at-least-once.
 * It throws only where it cannot go on: the service stops, or the channel is closed.
 */
export function createWebhookDelivery(deps: DeliverWebhookDeps) {
  const { store, publisher, retryDelays, slots, lost, metrics } = deps;
  const turns = new Turns();
  const count = (state: string) => metrics.increase('image_webhook_deliveries_total', { state });

  return async function deliverWebhook(message: ReceivedMessage): Promise<Settlement> {
    const webhook = openOrRefuse(message);
    if (webhook === undefined) return 'dead-letter';
    const place = slots.reserve(receiverKey(webhook.url));
    if (place === undefined) return defer(webhook);
    try {
      return await turns.take(webhook.id, async () => {
        if (!(await isConfirmed(webhook))) return refuse(webhook);
        const due = whatIsDue(await attemptsOf(webhook), webhook.attempt, webhook);
        if (due !== 'attempt') return skip(webhook, due);
        const sent = await post(webhook, place);
        if (sent === undefined) return defer(webhook);
        const fate = decideDeliveryFate(sent.result, webhook.attempt, retryDelays, Math.random());
        return conclude(webhook, sent, fate);
      });
    } finally {
      place.release();
    }
  };

  function openOrRefuse(message: ReceivedMessage): WebhookContext | undefined {
    try {
      const webhook = readWebhook(message);
      const { job_id, run } = webhook.event.data;
      return {
        ...webhook,
        isRedelivered: message.deliveryNumber > 1,
        signal: AbortSignal.any([message.lost, deps.stopping]),
        // The host only: path and query may be secrets.
        log: deps.log.child({ job_id, run, receiver: webhook.url.host, attempt: webhook.attempt }),
      };
    } catch (error) {
      if (!(error instanceof UnreadableWebhook)) throw error;
      const about = { reason: error.message, job_id: message.correlationId };
      deps.log.error(about, 'invalid webhook message: dead-lettered');
      count('unreadable');
      return undefined;
    }
  }

  /** Whether the store has this end of this run: anybody who can publish could have a webhook signed otherwise. */
  async function isConfirmed({ event, signal, log }: WebhookContext): Promise<boolean> {
    const { job_id, run, request, outcome } = event.data;
    const read = () => Promise.all([readRequest(store, job_id, run), readOutcome(store, job_id, run)]);
    return isDeepStrictEqual(await waitForStore(read, signal, log), [request, outcome]);
  }

  function refuse({ id, log }: WebhookContext): Settlement {
    log.error('the store does not have this end of the job: dead-lettered');
    lost.onEnded(id);
    count('unreadable');
    return 'dead-letter';
  }

  /** Its receiver has enough webhooks in flight: it waits, each time in a longer retry queue. Not an attempt. */
  async function defer(webhook: WebhookContext): Promise<Settlement> {
    const retryDelay = retryDelays[webhook.deferrals] ?? retryDelays.at(-1);
    if (retryDelay === undefined) throw new Error('WEBHOOK_RETRY_DELAYS is empty');
    const more = {
      [DEFERRALS_HEADER]: Math.min(webhook.deferrals + 1, retryDelays.length),
      ...(webhook.isPutBack ? { [PUT_BACK_HEADER]: 1 } : {}),
    };
    const delayMs = spread(retryDelay);
    const message = retryMessage(webhook, retryDelay, delayMs, webhook.attempt, more);
    await publishUntilConfirmed(publisher, message, webhook.signal);
    lost.onMessage(webhook.id, delayMs);
    count('deferred');
    return 'ack';
  }

  /** The recorded attempts of this run, oldest first. */
  async function attemptsOf({ event, signal, log }: WebhookContext): Promise<WebhookAttempt[]> {
    const { job_id, run } = event.data;
    const all = await waitForStore(
      () =>
        readWebhookAttempts(store, job_id, (err) =>
          log.error({ err }, 'skipped an unreadable attempt record'),
        ),
      signal,
      log,
    );
    return all.filter((made) => made.run === run);
  }

  function skip({ id, log }: WebhookContext, due: 'duplicate' | 'dead-letter'): Settlement {
    if (due === 'dead-letter') lost.onEnded(id);
    log.info(`webhook skipped: ${due}`);
    count(due === 'dead-letter' ? 'dead' : 'duplicate');
    return due === 'dead-letter' ? 'dead-letter' : 'ack';
  }

  /** Posts it when its receiver has room; undefined where the receiver has begun to time out meanwhile. */
  async function post(webhook: WebhookContext, place: Place): Promise<SentWebhook | undefined> {
    const sent = await place.run(
      () => sendWebhook(webhook, { ...deps, signal: deps.drainDeadline }),
      webhook.signal,
    );
    if (sent === undefined) return undefined;
    if ('status' in sent.result) place.responded();
    else if (sent.result.code === 'timed_out') place.timedOut();
    return sent;
  }

  async function conclude(
    webhook: WebhookContext,
    sent: SentWebhook,
    fate: DeliveryFate,
  ): Promise<Settlement> {
    const { signal, log } = webhook;
    const record = attemptRecord(webhook, sent, fate, new Date());
    if (fate.state === 'retrying') {
      const next = retryMessage(webhook, fate.retryDelay, fate.delayMs, webhook.attempt + 1);
      await publishUntilConfirmed(publisher, next, signal);
    }
    await waitForStore(() => recordWebhookAttempt(store, record), signal, log);
    if (fate.state === 'retrying') lost.onMessage(webhook.id, fate.delayMs);
    else lost.onEnded(webhook.id);
    count(fate.state);
    metrics.observe('image_webhook_duration_seconds', sent.durationMs / 1_000);
    if (fate.state === 'delivered') log.info({ ms: sent.durationMs }, 'webhook delivered');
    else log.warn({ ...fate.error, fate: fate.state }, 'webhook not delivered');
    return fate.state === 'dead' ? 'dead-letter' : 'ack';
  }
}

/** 50 to 100 % of the delay, so that webhooks deferred together do not come back together. */
function spread(retryDelay: RetryDelay): number {
  return Math.ceil(retryDelay.delayMs * (0.5 + Math.random() / 2));
}

/** The stored record of an attempt. */
function attemptRecord(
  { id, event, attempt }: PendingWebhook,
  { result, at, durationMs }: SentWebhook,
  fate: DeliveryFate,
  now: Date,
): WebhookAttempt {
  return {
    version: 1,
    attempt_id: randomUUID(),
    webhook_id: id,
    job_id: event.data.job_id,
    run: event.data.run,
    event: { id: event.id, type: event.type },
    attempt,
    at: at.toISOString(),
    duration_ms: durationMs,
    state: fate.state,
    ...('status' in result ? { status: result.status } : {}),
    ...(fate.state === 'delivered' ? {} : { error: fate.error }),
    ...(fate.state === 'retrying'
      ? { next_attempt_at: new Date(now.getTime() + fate.delayMs).toISOString() }
      : {}),
  };
}

/** Runs work with the same id one after the other. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(id) === mine) this.#last.delete(id);
    }
  }
}
