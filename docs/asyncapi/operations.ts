import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
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

const published = { amqp: { deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion: '0.3.0' } };
const consumed = { amqp: { ack: true, bindingVersion: '0.3.0' } };
const posted = { http: { method: 'POST', bindingVersion: '0.3.0' } };

/** The operations, named `{service}.{action}`. */
const operations: Readonly<Record<string, Operation>> = {
  'api.publish-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.jobs}`,
    messages: ['job'],
    summary: 'Queues a job once its original and its request are stored.',
  },
  'api.start-replay': {
    action: 'send',
    channel: `queue.${queueNames.replays}`,
    messages: ['replay'],
    summary: 'Starts a replay once its plan is stored.',
  },
  'api.run-replay': {
    action: 'receive',
    channel: `queue.${queueNames.replays}`,
    messages: ['replay'],
    summary: 'Runs a replay; acknowledges it after its end is stored.',
  },
  'worker.process-job': {
    action: 'receive',
    channel: `queue.${queueNames.process}`,
    messages: ['job'],
    summary: 'Processes a job; acknowledges it after its outcome is stored and its event is published.',
  },
  'worker.retry-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.retry}`,
    messages: ['job'],
    summary: 'Schedules a retry in the retry queue of this attempt.',
  },
  'api.command-worker': {
    action: 'send',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.command'],
    summary: 'Sends a command to a worker, outside of production only.',
  },
  'worker.receive-command': {
    action: 'receive',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.command'],
    summary: 'Receives a command, through a queue that exists while the worker is connected.',
  },
  'worker.report': {
    action: 'send',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.report'],
    summary: 'Reports its state every second, outside of production only.',
  },
  'api.follow-workers': {
    action: 'receive',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.report'],
    summary: 'Follows the workers, through a queue that exists while the API is connected.',
  },
  'api.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['job.queued', 'service.following'],
    summary: 'Publishes the events of a job.',
  },
  'worker.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['job.started', 'job.retrying', 'job.completed', 'job.failed'],
    summary: 'Publishes the events of a job.',
  },
  'notification.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['service.following'],
    summary: 'Publishes the marker of its event log reader.',
  },
  'api.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    summary: 'Updates its view of the newest jobs.',
  },
  'notification.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    summary: 'Notifies its subscribers.',
  },
  'notification.deliver-webhook': {
    action: 'receive',
    channel: `queue.${queueNames.webhooks}`,
    messages: endTypes,
    summary: 'Posts a webhook; acknowledges it after the attempt is recorded.',
  },
  'notification.retry-webhook': {
    action: 'send',
    channel: `exchange.${exchangeNames.webhooks}`,
    messages: endTypes,
    summary:
      'Schedules the next attempt of a webhook in a retry queue. A message TTL, at least half of that of the queue, spreads the attempts.',
  },
  'notification.post-webhook': {
    action: 'send',
    channel: WEBHOOK_CHANNEL,
    messages: [WEBHOOK_MESSAGE],
    summary: 'Posts the end of a run to the receiver, at least once.',
  },
  'notification.receive-messages': {
    action: 'receive',
    channel: SOCKET_CHANNEL,
    messages: Object.values(clientMessages).flat(),
    summary: 'Messages of clients.',
  },
  'notification.send-messages': {
    action: 'send',
    channel: SOCKET_CHANNEL,
    messages: Object.values(serverMessages).flat(),
    summary: 'Messages to clients.',
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
