import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { z } from 'zod';

/** What everything of ours in RabbitMQ begins with; queues of others on the same vhost are none of our business. */
const OWN_PREFIX = 'image.';
const CONSUMING = ' consume';
const fedByDeadLettering: readonly string[] = [queueNames.dead, queueNames.burial, queueNames.webhooksDead];

export interface BrokerQueue {
  readonly name: string;
  /** Counts are undefined while RabbitMQ has not counted, because it or the queue has just been started. */
  readonly ready: number | undefined;
  readonly unacked: number | undefined;
  /** All messages in it, those included that it is moving to its dead-letter exchange. */
  readonly held: number | undefined;
  readonly consumers: number | undefined;
  /** Messages a second. RabbitMQ does not count as published what it dead-letters: undefined where nothing else comes in. */
  readonly rates: { readonly publish: number | undefined; readonly deliver: number; readonly ack: number };
  /** Messages since the queue was made, or since RabbitMQ has counted; delivered are those that are to be acknowledged. */
  readonly counts: { readonly publish: number | undefined; readonly deliver: number; readonly ack: number };
}

/** One look at RabbitMQ. */
export interface BrokerFigures {
  readonly queues: readonly BrokerQueue[];
  /** Who consumes jobs, and how many at once. */
  readonly workers: readonly { readonly name: string; readonly slots: number }[];
  /** Who has a connection for consuming, which may be paused: these keep what they have in hand. */
  readonly connected: readonly string[];
  readonly alarms: readonly { readonly resource: string; readonly node: string }[];
}

const rate = z.object({ rate: z.number().min(0).catch(0) }).default({ rate: 0 });
const count = z.int().min(0).default(0);
const countIfKnown = z.int().min(0).optional();

/** `message_stats` is missing for idle queues, the figures of one that was just made as well. */
const queuesSchema = z.array(
  z.object({
    name: z.string(),
    messages_ready: countIfKnown,
    messages_unacknowledged: countIfKnown,
    messages_dlx: count,
    consumers: countIfKnown,
    message_stats: z
      .object({
        publish: count,
        deliver: count,
        ack: count,
        publish_details: rate,
        deliver_get_details: rate,
        ack_details: rate,
      })
      .prefault({}),
  }),
);
const consumersSchema = z.array(
  z.object({
    queue: z.object({ name: z.string() }),
    prefetch_count: count,
    channel_details: z.object({ connection_name: z.string().optional() }).or(z.array(z.unknown())).optional(),
  }),
);
const connectionsSchema = z.array(
  z.object({ name: z.string().optional(), user_provided_name: z.string().optional() }),
);
const alarmsSchema = z.object({
  alarms: z.array(z.object({ node: z.string(), resource: z.string() })).default([]),
});

const columns = {
  queues:
    'name,messages_ready,messages_unacknowledged,messages_dlx,consumers,' +
    ['publish', 'deliver', 'ack'].map((kind) => `message_stats.${kind}`).join(',') +
    ['publish', 'deliver_get', 'ack'].map((kind) => `,message_stats.${kind}_details.rate`).join(''),
  consumers: 'queue.name,prefetch_count,channel_details.connection_name',
  connections: 'name,user_provided_name',
};

/** @throws Error that says why RabbitMQ could not be looked at */
export async function readBroker(
  get: (path: string, allowed?: readonly number[]) => Promise<unknown>,
  vhost: string,
): Promise<BrokerFigures> {
  const own = encodeURIComponent(vhost);
  const [queues, consumers, connections, { alarms }] = await Promise.all([
    get(`queues/${own}?columns=${columns.queues}`).then((answer) => queuesSchema.parse(answer)),
    get(`consumers/${own}?columns=${columns.consumers}`).then((answer) => consumersSchema.parse(answer)),
    get(`vhosts/${own}/connections?columns=${columns.connections}`).then((answer) =>
      connectionsSchema.parse(answer),
    ),
    // 503 is how it says that there is an alarm.
    get('health/checks/alarms', [503]).then((answer) => alarmsSchema.parse(answer)),
  ]);
  return {
    queues: queues.filter(({ name }) => name.startsWith(OWN_PREFIX)).map(figuresOf),
    workers: workersOf(consumers, connections),
    connected: connections.flatMap(({ user_provided_name }) => consumerName(user_provided_name) ?? []),
    alarms,
  };
}

function figuresOf(queue: z.output<typeof queuesSchema>[number]): BrokerQueue {
  const { messages_ready: ready, messages_unacknowledged: unacked, messages_dlx: moving } = queue;
  const stats = queue.message_stats;
  const isPublishedTo = !fedByDeadLettering.includes(queue.name);
  return {
    name: queue.name,
    ready,
    unacked,
    held: ready === undefined || unacked === undefined ? undefined : ready + unacked + moving,
    consumers: queue.consumers,
    rates: {
      publish: isPublishedTo ? stats.publish_details.rate : undefined,
      deliver: stats.deliver_get_details.rate,
      ack: stats.ack_details.rate,
    },
    counts: { publish: isPublishedTo ? stats.publish : undefined, deliver: stats.deliver, ack: stats.ack },
  };
}

/** Whoever consumes does so over a connection named `worker-1 consume`, say. */
function consumerName(connection: string | undefined): string | undefined {
  return connection?.endsWith(CONSUMING) === true ? connection.slice(0, -CONSUMING.length) : undefined;
}

/** The prefetch of a worker equals its slots. */
function workersOf(
  consumers: z.output<typeof consumersSchema>,
  connections: z.output<typeof connectionsSchema>,
): { name: string; slots: number }[] {
  const names = new Map(connections.map(({ name, user_provided_name }) => [name, user_provided_name]));
  return consumers.flatMap(({ queue, prefetch_count, channel_details }) => {
    if (queue.name !== queueNames.process || channel_details === undefined) return [];
    if (Array.isArray(channel_details)) return [];
    const name = consumerName(names.get(channel_details.connection_name));
    return name === undefined ? [] : [{ name, slots: prefetch_count }];
  });
}
