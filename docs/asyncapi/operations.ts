import {
  DEFAULT_WEBHOOK_LADDER,
  exchangeNames,
  parseLadder,
  queueNames,
  webhookRetryQueueName,
} from '@image-pipeline/shared/broker/topology.ts';
import { clientMessages, endTypes, eventTypes, serverMessages } from './messages.ts';
import { WEBHOOK_CHANNEL, WEBHOOK_MESSAGE } from './webhook-channel.ts';

/** The name of the channel of the notification service. */
export const SOCKET_CHANNEL = 'notifications';

interface Operation {
  readonly action: 'send' | 'receive';
  readonly channel: string;
  readonly messages: readonly string[];
  readonly summary: string;
}

const [firstRung = { label: '', delayMs: 0 }] = parseLadder(DEFAULT_WEBHOOK_LADDER);

const published = { amqp: { deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion: '0.3.0' } };
const consumed = { amqp: { ack: true, bindingVersion: '0.3.0' } };
const posted = { http: { method: 'POST', bindingVersion: '0.3.0' } };

/** Who does what, as `{service}.{what}`. */
const operations: Readonly<Record<string, Operation>> = {
  'api.publish-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.jobs}`,
    messages: ['job'],
    summary: 'Hands a job to the workers, once its original and its request are stored.',
  },
  'worker.process-job': {
    action: 'receive',
    channel: `queue.${queueNames.process}`,
    messages: ['job'],
    summary: 'Does a job; acknowledged last, when its outcome is stored and told.',
  },
  'worker.retry-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.retry}`,
    messages: ['job'],
    summary: 'Lets a job wait on the rung of the ladder that its attempt has reached.',
  },
  'api.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['job.queued', 'service.following'],
    summary: 'Says what happened.',
  },
  'worker.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['job.started', 'job.retrying', 'job.completed', 'job.failed'],
    summary: 'Says what happened.',
  },
  'notification.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['service.following'],
    summary: 'Says that it follows the log.',
  },
  'api.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    summary: 'Keeps its live view of the newest jobs.',
  },
  'notification.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    summary: 'Tells its subscribers.',
  },
  'notification.deliver-webhook': {
    action: 'receive',
    channel: `queue.${queueNames.webhooks}`,
    messages: endTypes,
    summary: 'Tells the receiver; acknowledged last, when the attempt is written down.',
  },
  'notification.retry-webhook': {
    action: 'send',
    channel: `queue.${webhookRetryQueueName(firstRung)}`,
    messages: endTypes,
    summary:
      'Lets a webhook wait on a rung of its ladder, this one or a later one, until its next attempt. It is spread by a TTL of its own, from half of the rung’s.',
  },
  'notification.post-webhook': {
    action: 'send',
    channel: WEBHOOK_CHANNEL,
    messages: [WEBHOOK_MESSAGE],
    summary: 'Tells the receiver how a run ended, at least once.',
  },
  'notification.listen': {
    action: 'receive',
    channel: SOCKET_CHANNEL,
    messages: Object.values(clientMessages).flat(),
    summary: 'What clients ask for.',
  },
  'notification.tell': {
    action: 'send',
    channel: SOCKET_CHANNEL,
    messages: Object.values(serverMessages).flat(),
    summary: 'What clients are told.',
  },
};

/** The section `operations`. */
export function allOperations(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(operations).map(([name, { action, channel, messages, summary }]) => [
      name,
      {
        action,
        summary,
        channel: { $ref: `#/channels/${channel}` },
        messages: messages.map((message) => ({ $ref: `#/channels/${channel}/messages/${message}` })),
        ...(channel === WEBHOOK_CHANNEL ? { bindings: posted } : {}),
        ...(channel === SOCKET_CHANNEL || channel === WEBHOOK_CHANNEL
          ? {}
          : { bindings: action === 'send' ? published : consumed }),
      },
    ]),
  );
}
