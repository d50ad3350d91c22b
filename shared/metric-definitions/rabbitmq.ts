import type { MetricDefinitions } from './definition.ts';

/** Metrics of queues and of the broker, with the names of RabbitMQ’s own exporter. */
export const rabbitmqMetrics = {
  rabbitmq_queue_messages_ready: {
    type: 'gauge',
    help: 'Messages ready to be delivered to consumers.',
    labels: ['queue'],
    services: ['api', 'monitoring'],
  },
  rabbitmq_queue_consumers: {
    type: 'gauge',
    help: 'Consumers of a queue.',
    labels: ['queue'],
    services: ['api', 'monitoring'],
  },
  rabbitmq_queue_messages_unacked: {
    type: 'gauge',
    help: 'Messages delivered to consumers but not yet acknowledged.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  rabbitmq_queue_messages: {
    type: 'gauge',
    help: 'Messages of a queue, ready and unacknowledged.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  rabbitmq_queue_messages_published_total: {
    type: 'counter',
    help: 'Messages published to a queue.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  rabbitmq_queue_messages_delivered_ack_total: {
    type: 'counter',
    help: 'Messages delivered from a queue to consumers that acknowledge them.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  rabbitmq_queue_messages_acked_total: {
    type: 'counter',
    help: 'Messages of a queue that were acknowledged.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  rabbitmq_alarms_memory_used_watermark: {
    type: 'gauge',
    help: '1 while the memory alarm of a node is active.',
    labels: [],
    services: ['monitoring'],
  },
  rabbitmq_alarms_free_disk_space_watermark: {
    type: 'gauge',
    help: '1 while the disk alarm of a node is active.',
    labels: [],
    services: ['monitoring'],
  },
} as const satisfies MetricDefinitions;
