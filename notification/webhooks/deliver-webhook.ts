import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import { publishUntilConfirmed } from '@image-pipeline/shared/broker/publish-until-confirmed.ts';
import type { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import type { Rung } from '@image-pipeline/shared/broker/topology.ts';
import { readWebhookAttempts, recordWebhookAttempt } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { receiverKey } from '@image-pipeline/shared/webhooks/receiver-key.ts';
import { attemptRecord } from './attempt-record.ts';
import { decideDeliveryFate } from './decide-delivery-fate.ts';
import { whatIsDue } from './is-attempt-due.ts';
import {
  DEFERRALS_HEADER,
  PUT_BACK_HEADER,
  readWebhook,
  UnreadableWebhook,
  type PendingWebhook,
} from './read-webhook.ts';
import type { Place, ReceiverSlots } from './receiver-slots.ts';
import { retryMessage } from './retry-webhook.ts';
import { sendWebhook, type SendOptions } from './send-webhook.ts';
import type { Turns } from './turns.ts';

export interface DeliverWebhookDeps extends Omit<SendOptions, 'signal'> {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'putIfAbsent'>;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly ladder: readonly Rung[];
  readonly slots: ReceiverSlots;
  readonly turns: Turns;
  /** Aborts when the service stops: what waits then is handed back. */
  readonly stopping: AbortSignal;
  /** Aborts when the service has waited long enough for what is being posted. */
  readonly givingUp: AbortSignal;
  readonly metrics: Pick<Metrics, 'increase' | 'observe'>;
  readonly log: Logger;
}

/** A webhook in hand: what everything about it needs to know. */
interface InHand extends PendingWebhook {
  readonly delivery: Delivery;
  readonly place: Place;
  /** Aborts when waiting makes no sense any more. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Takes webhooks from their queue to their end: post → next attempt onto its rung → record → settle. The acknowledgement
 * is always last, so whatever dies in between is done again: a receiver is told at least once. It throws only where
 * going on makes no sense (the service stops, the channel is gone).
 */
export function createWebhookDelivery(deps: DeliverWebhookDeps) {
  const { store, publisher, ladder, slots, turns, metrics } = deps;
  const count = (state: string) => metrics.increase('image_webhook_deliveries_total', { state });

  return async function handle(delivery: Delivery): Promise<void> {
    let webhook: PendingWebhook;
    try {
      webhook = readWebhook(delivery);
    } catch (error) {
      if (!(error instanceof UnreadableWebhook)) throw error;
      const about = { reason: error.message, job_id: delivery.correlationId };
      deps.log.error(about, 'a message that is no webhook: dead-lettered');
      count('unreadable');
      delivery.deadLetter();
      return;
    }
    const signal = AbortSignal.any([delivery.lost, deps.stopping]);
    const place = slots.enter(receiverKey(webhook.url));
    if (place === undefined) {
      await defer(webhook, delivery, signal);
      return;
    }
    const { event, url, attempt } = webhook;
    const { job_id, run } = event.data;
    // The host only: path and query may be secrets.
    const log = deps.log.child({ job_id, run, receiver: url.host, attempt });
    try {
      const inHand = { ...webhook, delivery, place, signal, log };
      await turns.take(webhook.id, () => handleInTurn(inHand));
    } finally {
      place.leave();
    }
  };

  /** Its receiver has its share of what is in hand: it waits, each time on a longer rung, and that is no attempt. */
  async function defer(webhook: PendingWebhook, delivery: Delivery, signal: AbortSignal): Promise<void> {
    const rung = ladder[webhook.deferrals] ?? ladder.at(-1);
    if (rung === undefined) throw new Error('the ladder has no rung');
    const more = {
      [DEFERRALS_HEADER]: Math.min(webhook.deferrals + 1, ladder.length),
      ...(webhook.isPutBack ? { [PUT_BACK_HEADER]: 1 } : {}),
    };
    const message = retryMessage(webhook, rung, spread(rung), webhook.attempt, more);
    await publishUntilConfirmed(publisher, message, signal);
    count('deferred');
    delivery.ack();
  }

  async function handleInTurn(webhook: InHand): Promise<void> {
    const { event, delivery, log } = webhook;
    const { job_id, run } = event.data;
    const all = await whenStoreAnswers(webhook, () =>
      readWebhookAttempts(store, job_id, (err) =>
        log.error({ err }, 'skipped an attempt that is unreadable'),
      ),
    );
    const history = all.filter((made) => made.run === run);
    const due = whatIsDue(history, webhook.attempt, {
      isRedelivered: delivery.deliveryNumber > 1,
      isPutBack: webhook.isPutBack,
    });
    if (due === 'attempt') {
      await attempt(webhook);
      return;
    }
    log.info(`already told: ${due}`);
    if (due === 'dead-letter') delivery.deadLetter();
    else delivery.ack();
    count(due === 'dead-letter' ? 'dead' : 'duplicate');
  }

  async function attempt(webhook: InHand): Promise<void> {
    const { place, signal, delivery, log } = webhook;
    const sent = await place.run(() => sendWebhook(webhook, { ...deps, signal: deps.givingUp }), signal);
    if (sent === undefined) {
      await defer(webhook, delivery, signal);
      return;
    }
    if ('status' in sent.result) place.answers();
    else if (sent.result.code === 'timed_out') place.hangs();
    const fate = decideDeliveryFate(sent.result, webhook.attempt, ladder, Math.random());
    const record = attemptRecord(webhook, sent, fate, new Date());
    if (fate.state === 'retrying') {
      const next = retryMessage(webhook, fate.rung, fate.delayMs, webhook.attempt + 1);
      await publishUntilConfirmed(publisher, next, signal);
    }
    await whenStoreAnswers(webhook, () => recordWebhookAttempt(store, record));
    if (fate.state === 'dead') delivery.deadLetter();
    else delivery.ack();
    count(fate.state);
    metrics.observe('image_webhook_duration_seconds', sent.durationMs / 1_000);
    if (fate.state === 'delivered') log.info({ ms: sent.durationMs }, 'webhook delivered');
    else log.warn({ ...fate.error, fate: fate.state }, 'webhook not delivered');
  }

  function whenStoreAnswers<Result>({ signal, log }: InHand, work: () => Promise<Result>) {
    return waitForStore(work, signal, log);
  }
}

/** Some part of the rung's delay, so that what waits together does not come back together. */
function spread(rung: Rung): number {
  return Math.ceil(rung.delayMs * (0.5 + Math.random() / 2));
}
