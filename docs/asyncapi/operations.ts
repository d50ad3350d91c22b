import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { clientMessages, eventTypes, serverMessages } from './messages.ts';

/** The name of the channel of the notification service. */
export const SOCKET_CHANNEL = 'notifications';

interface Operation {
  readonly action: 'send' | 'receive';
  readonly channel: string;
  readonly messages: readonly string[];
  readonly summary: string;
}

const published = { amqp: { deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion: '0.3.0' } };
const consumed = { amqp: { ack: true, bindingVersion: '0.3.0' } };

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
        ...(channel === SOCKET_CHANNEL ? {} : { bindings: action === 'send' ? published : consumed }),
      },
    ]),
  );
}
