import { REPUBLISHED_HEADER } from '@image-pipeline/shared/broker/received-message.ts';
import { jobEventSchemas, type PipelineEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { ClientMessage, ServerMessage } from '@image-pipeline/shared/contracts/websocket.ts';
import { TRACEPARENT } from '@image-pipeline/shared/tracing/traceparent.ts';
import { WEBHOOK_MESSAGE, webhookParts } from './webhook-channel.ts';

/** A message of the document. */
interface Message {
  /** Name of its contract. */
  readonly schema: string;
  readonly summary: string;
  readonly contentType: 'application/json' | 'application/cloudevents+json';
}

type EventType = PipelineEvent['type'];

const eventSummaries: Readonly<Record<EventType, string>> = {
  'job.queued': 'The job was accepted, or is replayed.',
  'job.started': 'A worker has started an attempt.',
  'job.redelivered':
    'RabbitMQ delivered the job to another worker, because the one that had it did not finish it.',
  'job.retrying':
    'An attempt failed with a transient error and will be retried, or its image is slow and it was moved to image.jobs.slow.',
  'job.postponed':
    'A worker returned the job to a retry queue, because it exceeded a limit there and another worker is to try it.',
  'job.completed': 'The run completed.',
  'job.failed': 'The run failed.',
  'worker.consuming': 'A worker has started to consume jobs.',
  'service.following': 'The marker of an event log reader, which has caught up when it reads its own marker.',
};

export const eventTypes: readonly EventType[] = [
  ...(Object.keys(jobEventSchemas) as (keyof typeof jobEventSchemas)[]),
  'worker.consuming',
  'service.following',
];
/** Events that end a run. */
export const endTypes: readonly EventType[] = ['job.completed', 'job.failed'];

/** Messages of clients: the names in the document, by type. */
export const clientMessages: Readonly<Record<ClientMessage['type'], readonly string[]>> = {
  subscribe: ['Subscribe'],
  unsubscribe: ['Unsubscribe'],
};
export const serverMessages: Readonly<Record<ServerMessage['type'], readonly string[]>> = {
  state: ['JobStateMessage', 'UnknownStateMessage', 'AllJobsStateMessage'],
  event: ['EventMessage'],
  pipeline: ['PipelineMessage'],
  reset: ['ResetMessage'],
  unsubscribed: ['UnsubscribedMessage'],
  error: ['ErrorMessage'],
};
const socketSummaries: Readonly<Record<string, string>> = {
  Subscribe: 'Subscribe to a job, or to all.',
  Unsubscribe: 'End a subscription.',
  JobStateMessage: 'The current state of a job.',
  UnknownStateMessage: 'No such job exists yet.',
  AllJobsStateMessage: 'The newest jobs.',
  EventMessage: 'An event of a job.',
  PipelineMessage: 'The state of the whole pipeline.',
  ResetMessage: 'Events may be missing; the current state follows.',
  UnsubscribedMessage: 'The subscription has ended.',
  ErrorMessage: 'A request failed.',
};

const table: Readonly<Record<string, Message>> = {
  job: {
    schema: 'JobMessage',
    summary: 'A job.',
    contentType: 'application/json',
  },
  'worker.command': {
    schema: 'WorkerCommand',
    summary: 'A command to a worker, outside of production only.',
    contentType: 'application/json',
  },
  'worker.report': {
    schema: 'WorkerReport',
    summary: 'The state of a worker, outside of production only.',
    contentType: 'application/json',
  },
  replay: {
    schema: 'ReplayMessage',
    summary: 'A replay of dead letters that is running.',
    contentType: 'application/json',
  },
  ...Object.fromEntries(
    eventTypes.map((type) => [
      type,
      { schema: type, summary: eventSummaries[type], contentType: 'application/cloudevents+json' },
    ]),
  ),
  [WEBHOOK_MESSAGE]: {
    schema: 'Webhook',
    summary: 'The end of a run of a job.',
    contentType: 'application/json',
  },
  ...Object.fromEntries(
    Object.entries(socketSummaries).map(([name, summary]) => [
      name,
      { schema: name, summary, contentType: 'application/json' },
    ]),
  ),
};

/** The section `components.messages`. */
export function componentMessages(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(table).map(([name, { schema, summary, contentType }]) => [
      name,
      {
        name,
        summary,
        contentType,
        ...transportParts(name),
        payload: { $ref: `#/components/schemas/${schema}` },
      },
    ]),
  );
}

/** The section `messages` of a channel. */
export function messagesOf(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function transportParts(name: string): object {
  if (name === WEBHOOK_MESSAGE) return webhookParts();
  return name in socketSummaries ? {} : amqpParts(name);
}

const traceparent = 'The trace of the message (W3C Trace Context). Optional; ignored if malformed.';

/** Commands to workers and their reports; they are about no job and not traced. */
export const workerMessages: readonly string[] = ['worker.command', 'worker.report'];

function amqpParts(type: string): object {
  const number = { type: 'integer', minimum: 1 };
  const isEnd = endTypes.some((end) => end === type);
  const ofWebhook = { 'x-webhook-attempt': { ...number, description: 'The number of the webhook attempt.' } };
  const republished = {
    [REPUBLISHED_HEADER]: { ...number, description: 'Published again for work that may have begun.' },
  };
  const properties = {
    ...(type === 'replay' ? {} : { 'x-run': number, 'x-attempt': number }),
    ...(isEnd ? ofWebhook : {}),
    ...(type === 'job' || isEnd ? republished : {}),
    [TRACEPARENT]: { type: 'string', description: traceparent },
  };
  const headers = { type: 'object', properties };
  return {
    ...(['service.following', 'worker.consuming', ...workerMessages].includes(type) ? {} : { headers }),
    bindings: { amqp: { messageType: type, bindingVersion: '0.3.0' } },
  };
}
