import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { clientMessages, endTypes, eventTypes, serverMessages } from './messages.ts';
import { WEBHOOK_CHANNEL, WEBHOOK_MESSAGE } from './webhook-channel.ts';

/** The name of the channel of the notification service. */
export const SOCKET_CHANNEL = 'notifications';

interface Operation {
  readonly action: 'send' | 'receive';
  readonly channel: string;
  readonly messages: readonly string[];
  readonly description: string;
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
    description: 'Queues a job once its original and its request are stored.',
  },
  'api.start-replay': {
    action: 'send',
    channel: `queue.${queueNames.replays}`,
    messages: ['replay'],
    description: 'Starts a replay once its plan is stored.',
  },
  'api.run-replay': {
    action: 'receive',
    channel: `queue.${queueNames.replays}`,
    messages: ['replay'],
    description: 'Runs a replay; acknowledges it after its end is stored.',
  },
  'worker.process-job': {
    action: 'receive',
    channel: `queue.${queueNames.process}`,
    messages: ['job'],
    description: 'Processes a job; acknowledges it after its outcome is stored and its event is published.',
  },
  'worker.process-slow-job': {
    action: 'receive',
    channel: `queue.${queueNames.slow}`,
    messages: ['job'],
    description: 'Processes a job with a slow image, one at a time.',
  },
  'worker.move-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.jobs}`,
    messages: ['job'],
    description: 'Moves a job whose image turns out to be slow to the queue for slow images.',
  },
  'worker.retry-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.retry}`,
    messages: ['job'],
    description: 'Schedules the next attempt, or postpones it, in a retry queue.',
  },
  'worker.republish-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.jobs}`,
    messages: ['job'],
    description: 'Puts a job that it has held for too long at the end of the queue.',
  },
  'monitoring.republish-job': {
    action: 'send',
    channel: `exchange.${exchangeNames.jobs}`,
    messages: ['job'],
    description: 'Queues a job whose message was lost.',
  },
  'api.command-worker': {
    action: 'send',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.command'],
    description: 'Sends a command to a worker, outside of production only.',
  },
  'worker.receive-command': {
    action: 'receive',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.command'],
    description: 'Receives a command, through a queue that exists while the worker is connected.',
  },
  'worker.report': {
    action: 'send',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.report'],
    description: 'Reports its state every second, outside of production only.',
  },
  'api.follow-workers': {
    action: 'receive',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.report'],
    description: 'Follows the workers, through a queue that exists while the API is connected.',
  },
  'notification.follow-workers': {
    action: 'receive',
    channel: `exchange.${exchangeNames.workers}`,
    messages: ['worker.report'],
    description: 'Follows the workers, through a queue that exists while the service is connected.',
  },
  'api.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['job.queued', 'service.following'],
    description: 'Publishes the events of a job.',
  },
  'worker.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: [
      'job.started',
      'job.redelivered',
      'job.retrying',
      'job.postponed',
      'job.completed',
      'job.failed',
      'worker.consuming',
    ],
    description: 'Publishes the events of a job, and that it consumes jobs.',
  },
  'notification.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: ['service.following'],
    description: 'Publishes the marker of its event log reader.',
  },
  'monitoring.publish-event': {
    action: 'send',
    channel: `exchange.${exchangeNames.events}`,
    messages: [...endTypes, 'service.following'],
    description: 'Publishes ends of runs whose events were lost, and the marker of its event log reader.',
  },
  'api.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    description: 'Updates its view of the newest jobs.',
  },
  'notification.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    description: 'Notifies its subscribers.',
  },
  'monitoring.follow-events': {
    action: 'receive',
    channel: `queue.${queueNames.eventLog}`,
    messages: eventTypes,
    description: 'Counts jobs and updates its metrics.',
  },
  'notification.deliver-webhook': {
    action: 'receive',
    channel: `queue.${queueNames.webhooks}`,
    messages: endTypes,
    description: 'Posts a webhook; acknowledges it after the attempt is recorded.',
  },
  'notification.retry-webhook': {
    action: 'send',
    channel: `exchange.${exchangeNames.webhooks}`,
    messages: endTypes,
    description:
      'Schedules the next attempt of a webhook in a retry queue. A message TTL, at least half of that of the queue, spreads the attempts.',
  },
  'notification.post-webhook': {
    action: 'send',
    channel: WEBHOOK_CHANNEL,
    messages: [WEBHOOK_MESSAGE],
    description: 'Posts the end of a run to the receiver, at least once.',
  },
  'notification.receive-messages': {
    action: 'receive',
    channel: SOCKET_CHANNEL,
    messages: Object.values(clientMessages).flat(),
    description: 'Messages of clients.',
  },
  'notification.send-messages': {
    action: 'send',
    channel: SOCKET_CHANNEL,
    messages: Object.values(serverMessages).flat(),
    description: 'Messages to clients.',
  },
};

/** The section `operations`. */
export function allOperations(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(operations).map(([name, { action, channel, messages, description }]) => [
      name,
      {
        action,
        description,
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
