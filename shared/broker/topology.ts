/**
 * The whole broker topology as data: the API declares it at start-up, docs/asyncapi.yaml is generated from it, and
 * a test compares it with the running broker. The arguments of an existing queue cannot be changed (the broker returns
 * 406), so whatever differs between installations is part of the name: a retry queue has its TTL in its name.
 */
export interface Exchange {
  readonly name: string;
  readonly type: 'topic' | 'direct';
  readonly description: string;
}

export interface Queue {
  readonly name: string;
  readonly description: string;
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
  /** An argument that an earlier version declared with another value: the queue is redeclared once it is empty. */
  readonly changedArgument?: string;
  readonly bindings: readonly { readonly exchange: string; readonly routingKey: string }[];
}

export interface RetryDelay {
  /** As in the name of the queue and in the routing key, e.g. `30s`. */
  readonly label: string;
  readonly delayMs: number;
}

/** Where a message is published to. */
export interface Destination {
  readonly exchange: string;
  readonly routingKey: string;
}

export interface Topology {
  readonly exchanges: readonly Exchange[];
  readonly queues: readonly Queue[];
}

export const exchangeNames = {
  jobs: 'image.jobs',
  deadLetters: 'image.dlx',
  retry: 'image.retry',
  events: 'image.events',
  webhooks: 'image.webhooks',
  workers: 'image.workers',
} as const;

export const queueNames = {
  process: 'image.jobs.process',
  slow: 'image.jobs.slow',
  dead: 'image.jobs.dead',
  deadRecorder: 'image.jobs.dead.recorder',
  replays: 'image.replays',
  webhooks: 'image.webhooks.deliver',
  webhooksDead: 'image.webhooks.dead',
  eventLog: 'image.events.log',
} as const;

/** The queues that workers consume. */
export const jobQueueNames: readonly string[] = [queueNames.process, queueNames.slow];

export const routingKeys = {
  process: 'job.process',
  slow: 'job.slow',
  deadJob: 'job.dead',
  deadWebhook: 'webhook.dead',
  deliverWebhook: 'deliver',
  workerReport: 'report',
  /** Suffix of the routing key of an event that also triggers a webhook: `job.completed.callback`. */
  callbackSuffix: '.callback',
} as const;

/** A message that is redelivered this often kills its workers; others survive as many restarts. */
const DELIVERY_LIMIT = 20;
/** For queues whose messages must stay until an operator handles them. The default of RabbitMQ 4 is 20. */
const NO_PRACTICAL_LIMIT = 1_000_000;

const quorum = { 'x-queue-type': 'quorum' } as const;

/** At-least-once dead-lettering; it requires a quorum queue as source and `reject-publish`. */
function deadLetterTo(exchange: string, routingKey: string) {
  return {
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-routing-key': routingKey,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  } as const;
}

function jobQueue(name: string, description: string, routingKey: string): Queue {
  return {
    name,
    description,
    arguments: {
      ...quorum,
      'x-delivery-limit': DELIVERY_LIMIT,
      ...deadLetterTo(exchangeNames.deadLetters, routingKeys.deadJob),
    },
    bindings: [{ exchange: exchangeNames.jobs, routingKey }],
  };
}

export function retryQueueName(retryDelay: RetryDelay): string {
  return `image.jobs.retry.${retryDelay.label}`;
}

/** Where a message for the retry queue of a delay is published. */
export function retryDestination({ label }: RetryDelay): Destination {
  return { exchange: exchangeNames.retry, routingKey: label };
}

function jobRetryQueue(retryDelay: RetryDelay): Queue {
  return {
    name: retryQueueName(retryDelay),
    description: `Jobs that wait ${retryDelay.label} for their next attempt, then return to the job queue.`,
    arguments: {
      ...quorum,
      'x-message-ttl': retryDelay.delayMs,
      ...deadLetterTo(exchangeNames.jobs, routingKeys.process),
    },
    bindings: [{ exchange: exchangeNames.retry, routingKey: retryDelay.label }],
  };
}

export function webhookRetryQueueName(retryDelay: RetryDelay): string {
  return `image.webhooks.retry.${retryDelay.label}`;
}

function webhookRetryQueue(retryDelay: RetryDelay): Queue {
  return {
    name: webhookRetryQueueName(retryDelay),
    description: `Webhooks that wait ${retryDelay.label} for their next attempt, then return to their queue.`,
    // Back through the default exchange, whose routing key is the name of the queue.
    arguments: { ...quorum, 'x-message-ttl': retryDelay.delayMs, ...deadLetterTo('', queueNames.webhooks) },
    bindings: [{ exchange: exchangeNames.webhooks, routingKey: retryDelay.label }],
  };
}

const duration = /^(\d+)(ms|s|m|h)$/;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Parses retry delays such as `5s,30s,2m`. @throws Error that says what is allowed */
export function parseRetryDelays(text: string): readonly RetryDelay[] {
  return text.split(',').map((part) => {
    const label = part.trim();
    const match = duration.exec(label);
    const delayMs = match === null ? 0 : Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
    if (delayMs < 1 || delayMs > 86_400_000) {
      throw new Error(`Invalid delay "${label}": use a number and ms, s, m or h, at most 24h`);
    }
    return { label, delayMs };
  });
}

export const DEFAULT_JOB_RETRY_DELAYS = '5s,30s,2m';
export const DEFAULT_WEBHOOK_RETRY_DELAYS = '5s,1m,10m,1h';

/** Where a message for this queue is published. Only the API may publish through the default exchange: see permissions.ts. */
export function destinationOf(queue: string): Destination {
  if (queue === queueNames.process) return { exchange: exchangeNames.jobs, routingKey: routingKeys.process };
  if (queue === queueNames.slow) return { exchange: exchangeNames.jobs, routingKey: routingKeys.slow };
  if (queue === queueNames.webhooks) {
    return { exchange: exchangeNames.webhooks, routingKey: routingKeys.deliverWebhook };
  }
  // The default exchange, whose routing key is the name of the queue.
  return { exchange: '', routingKey: queue };
}

/** Names of the queues whose length and consumers a passive declaration returns: all but streams. */
export function countableQueues({ queues }: Topology): readonly string[] {
  return queues.filter((queue) => queue.arguments['x-queue-type'] !== 'stream').map(({ name }) => name);
}

/** The topology for these retry delays. Dead-letter queues are declared first: without them, source queues fill up. */
export function buildTopology(retryDelays: {
  jobs: readonly RetryDelay[];
  webhooks: readonly RetryDelay[];
}): Topology {
  return {
    exchanges: [
      { name: exchangeNames.deadLetters, type: 'topic', description: 'Dead letters of jobs and webhooks.' },
      { name: exchangeNames.jobs, type: 'topic', description: 'Jobs for the workers.' },
      { name: exchangeNames.retry, type: 'direct', description: 'Jobs that wait for another attempt.' },
      { name: exchangeNames.events, type: 'topic', description: 'Job events, as CloudEvents.' },
      { name: exchangeNames.webhooks, type: 'direct', description: 'Webhooks for another attempt.' },
      {
        name: exchangeNames.workers,
        type: 'direct',
        description:
          'Commands to workers and their reports, outside of production only. They have no durable queue.',
      },
    ],
    queues: [
      {
        name: queueNames.dead,
        description: 'The dead-letter queue for operators.',
        // No single active consumer, so that people can get its messages in the management UI.
        arguments: { ...quorum, 'x-delivery-limit': NO_PRACTICAL_LIMIT },
        changedArgument: 'x-single-active-consumer',
        bindings: [{ exchange: exchangeNames.deadLetters, routingKey: routingKeys.deadJob }],
      },
      {
        name: queueNames.deadRecorder,
        description: 'A copy of the dead letters for the DLQ recorder, which stores the reason of each.',
        arguments: { ...quorum, 'x-delivery-limit': NO_PRACTICAL_LIMIT },
        bindings: [{ exchange: exchangeNames.deadLetters, routingKey: routingKeys.deadJob }],
      },
      {
        name: queueNames.replays,
        description:
          'Running replays of dead letters. One API replica runs them; if it dies, RabbitMQ delivers them to another.',
        arguments: { ...quorum, 'x-single-active-consumer': true, 'x-delivery-limit': NO_PRACTICAL_LIMIT },
        // Through the default exchange, whose routing key is the name of the queue.
        bindings: [],
      },
      {
        name: queueNames.webhooksDead,
        description: 'Webhooks that could not be delivered.',
        arguments: { ...quorum, 'x-delivery-limit': NO_PRACTICAL_LIMIT },
        bindings: [{ exchange: exchangeNames.deadLetters, routingKey: routingKeys.deadWebhook }],
      },
      jobQueue(queueNames.process, 'Jobs that wait for a worker.', routingKeys.process),
      jobQueue(queueNames.slow, 'Jobs with slow images; a worker processes one at a time.', routingKeys.slow),
      ...retryDelays.jobs.map(jobRetryQueue),
      {
        name: queueNames.webhooks,
        description: 'Finished jobs with a callback URL.',
        arguments: {
          ...quorum,
          'x-delivery-limit': DELIVERY_LIMIT,
          ...deadLetterTo(exchangeNames.deadLetters, routingKeys.deadWebhook),
        },
        bindings: [
          { exchange: exchangeNames.events, routingKey: `job.*${routingKeys.callbackSuffix}` },
          { exchange: exchangeNames.webhooks, routingKey: routingKeys.deliverWebhook },
        ],
      },
      ...retryDelays.webhooks.map(webhookRetryQueue),
      {
        name: queueNames.eventLog,
        description: 'All events of the last week, in order; consumers can start at any offset.',
        arguments: {
          'x-queue-type': 'stream',
          'x-max-age': '7D',
          'x-max-length-bytes': 2_000_000_000,
          'x-stream-max-segment-size-bytes': 20_000_000,
        },
        bindings: [{ exchange: exchangeNames.events, routingKey: '#' }],
      },
    ],
  };
}
