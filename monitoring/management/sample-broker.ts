import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { QueueMetrics } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';

/** Prefix of all queues of the pipeline; other queues on the vhost are ignored. */
const OWN_PREFIX = 'image.';
const CONSUMING = ' consume';
const fedByDeadLettering: readonly string[] = [
  queueNames.dead,
  queueNames.deadRecorder,
  queueNames.webhooksDead,
];

/** A sample of RabbitMQ. */
export interface BrokerSample {
  readonly queues: readonly SampledQueue[];
  /** Consumers of jobs, with the number of jobs that each processes at once. */
  readonly workers: readonly { readonly name: string; readonly slots: number }[];
  /** Names with a connection for consuming. A paused worker has one, too, and keeps its jobs. */
  readonly connected: readonly string[];
  readonly alarms: readonly { readonly resource: string; readonly node: string }[];
}

export interface SampledQueue {
  /** The part of the snapshot that only the management API has. */
  readonly metrics: Omit<QueueMetrics, 'ready' | 'consumers' | 'head_age_seconds'>;
  /** Ready and unacknowledged messages; null until RabbitMQ has counted them. */
  readonly messages: number | null;
  /** All messages in the queue, including those being dead-lettered; null until RabbitMQ has counted them. */
  readonly held: number | null;
  /** Messages since the queue was declared or RabbitMQ started. `publish` is null where the rate is. */
  readonly counters: { readonly publish: number | null; readonly deliver: number; readonly ack: number };
}

const rate = z.object({ rate: z.number().min(0).catch(0) }).default({ rate: 0 });
const count = z.int().min(0).default(0);
const countIfKnown = z.int().min(0).nullable().default(null);

/** RabbitMQ omits `message_stats` for idle queues, and the counts for queues that it has not sampled yet. */
const queuesSchema = z.array(
  z.object({
    name: z.string(),
    messages_ready: countIfKnown,
    messages_unacknowledged: countIfKnown,
    messages_dlx: count,
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
    'name,messages_ready,messages_unacknowledged,messages_dlx,' +
    ['publish', 'deliver', 'ack'].map((kind) => `message_stats.${kind}`).join(',') +
    ['publish', 'deliver_get', 'ack'].map((kind) => `,message_stats.${kind}_details.rate`).join(''),
  consumers: 'queue.name,prefetch_count,channel_details.connection_name',
  connections: 'name,user_provided_name',
};

/** @throws Error that says why RabbitMQ could not be sampled */
export async function sampleBroker(
  get: (path: string, allowed?: readonly number[]) => Promise<unknown>,
  vhost: string,
): Promise<BrokerSample> {
  const own = encodeURIComponent(vhost);
  const [queues, consumers, connections, { alarms }] = await Promise.all([
    get(`queues/${own}?columns=${columns.queues}`).then((response) => queuesSchema.parse(response)),
    get(`consumers/${own}?columns=${columns.consumers}`).then((response) => consumersSchema.parse(response)),
    get(`vhosts/${own}/connections?columns=${columns.connections}`).then((response) =>
      connectionsSchema.parse(response),
    ),
    // The status is 503 while there is an alarm.
    get('health/checks/alarms', [503]).then((response) => alarmsSchema.parse(response)),
  ]);
  return {
    queues: queues.filter(({ name }) => name.startsWith(OWN_PREFIX)).map(sampledQueue),
    workers: workersOf(consumers, connections),
    connected: connections.flatMap(({ user_provided_name }) => consumerName(user_provided_name) ?? []),
    alarms,
  };
}

function sampledQueue(queue: z.output<typeof queuesSchema>[number]): SampledQueue {
  const { name, messages_ready: ready, messages_unacknowledged: unacked } = queue;
  const { message_stats: stats } = queue;
  const messages = ready === null || unacked === null ? null : ready + unacked;
  const isPublishedTo = !fedByDeadLettering.includes(name);
  return {
    metrics: {
      name,
      unacked,
      publish_rate: isPublishedTo ? stats.publish_details.rate : null,
      deliver_rate: stats.deliver_get_details.rate,
      ack_rate: stats.ack_details.rate,
    },
    messages,
    held: messages === null ? null : messages + queue.messages_dlx,
    counters: { publish: isPublishedTo ? stats.publish : null, deliver: stats.deliver, ack: stats.ack },
  };
}

/** Consumers use a connection with a name such as `worker-1 consume`. */
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
