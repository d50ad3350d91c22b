import type { Dashboard, Panel } from './dashboard.ts';

const NODES = 'job="rabbitmq"';
const QUEUES = 'job="rabbitmq-queues"';

const total = (title: string, description: string, metric: string): Panel => ({
  title,
  description,
  unit: 'short',
  kind: 'stat',
  queries: [{ expr: `sum(${metric}{${NODES}})`, legend: title.toLowerCase() }],
});

const flow = (metric: string, legend: string) => ({
  expr: `sum(rate(${metric}{${NODES}}[$__rate_interval]))`,
  legend,
});

/** Metrics that RabbitMQ exports itself; they are available even without monitoring. */
export const rabbitmq: Dashboard = {
  uid: 'image-rabbitmq',
  title: 'RabbitMQ',
  description: 'Metrics of RabbitMQ itself, from its plugin rabbitmq_prometheus.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Nodes',
          description: 'Nodes that Prometheus can scrape: one, or three with docker-compose.cluster.yml.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum(up{${NODES}})`, legend: 'nodes' }],
        },
        total('Connections', 'Open AMQP connections; each service has one or two.', 'rabbitmq_connections'),
        total('Channels', 'Open channels; a few per connection.', 'rabbitmq_channels'),
        total('Consumers', 'Consumers of all queues.', 'rabbitmq_consumers'),
        total('Queues', 'Queues of all kinds.', 'rabbitmq_queues'),
        total(
          'Messages',
          'Messages in all queues, including unacknowledged ones.',
          'rabbitmq_queue_messages',
        ),
      ],
    },
    {
      title: 'Messages',
      panels: [
        {
          title: 'In',
          description: 'Published to exchanges, and confirmed. Many unconfirmed: a disk is slow or full.',
          unit: 'suffix:messages/s',
          queries: [
            flow('rabbitmq_global_messages_received_total', 'published'),
            flow('rabbitmq_global_messages_confirmed_total', 'confirmed'),
          ],
        },
        {
          title: 'Out',
          description:
            'Delivered to consumers, and acknowledged. Redelivered: a worker died or requeued the message.',
          unit: 'suffix:messages/s',
          queries: [
            flow('rabbitmq_global_messages_delivered_total', 'delivered'),
            flow('rabbitmq_global_messages_acknowledged_total', 'acknowledged'),
            flow('rabbitmq_global_messages_redelivered_total', 'redelivered'),
          ],
        },
        {
          title: 'Returned and dead-lettered',
          description: 'Unroutable: a queue is missing. Expired: retried. Rejected: failed.',
          unit: 'suffix:messages/s',
          queries: [
            flow('rabbitmq_global_messages_unroutable_returned_total', 'unroutable'),
            flow('rabbitmq_global_messages_dead_lettered_expired_total', 'expired'),
            flow('rabbitmq_global_messages_dead_lettered_rejected_total', 'rejected'),
            flow('rabbitmq_global_messages_dead_lettered_delivery_limit_total', 'over the delivery limit'),
          ],
        },
        {
          title: 'Ready by queue',
          description: 'Messages that wait for a consumer.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (queue) (rabbitmq_detailed_queue_messages_ready{${QUEUES}})`,
              legend: '{{queue}}',
            },
          ],
        },
        {
          title: 'Unacknowledged by queue',
          description: 'Messages that consumers have not acknowledged yet.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (queue) (rabbitmq_detailed_queue_messages_unacked{${QUEUES}})`,
              legend: '{{queue}}',
            },
          ],
        },
        {
          title: 'Consumers by queue',
          description: 'Consumers as RabbitMQ counts them.',
          unit: 'short',
          queries: [
            { expr: `sum by (queue) (rabbitmq_detailed_queue_consumers{${QUEUES}})`, legend: '{{queue}}' },
          ],
        },
      ],
    },
    {
      title: 'Nodes',
      panels: [
        {
          title: 'Memory',
          description: 'Used memory, and the limit at which publishers are blocked.',
          unit: 'bytes',
          queries: [
            { expr: `rabbitmq_process_resident_memory_bytes{${NODES}}`, legend: 'used, {{instance}}' },
            { expr: `rabbitmq_resident_memory_limit_bytes{${NODES}}`, legend: 'limit, {{instance}}' },
          ],
        },
        {
          title: 'Disk',
          description: 'Free disk space, and the limit below which publishers are blocked.',
          unit: 'bytes',
          queries: [
            { expr: `rabbitmq_disk_space_available_bytes{${NODES}}`, legend: 'free, {{instance}}' },
            { expr: `rabbitmq_disk_space_available_limit_bytes{${NODES}}`, legend: 'limit, {{instance}}' },
          ],
        },
        {
          title: 'File descriptors',
          description: 'Share of the allowed file descriptors. Connections and queues use them.',
          unit: 'percentunit',
          queries: [
            {
              expr: `rabbitmq_process_open_fds{${NODES}} / rabbitmq_process_max_fds{${NODES}}`,
              legend: '{{instance}}',
            },
          ],
        },
        {
          title: 'Connections opened and closed',
          description: 'A constant rate means that a client reconnects again and again.',
          unit: 'suffix:connections/s',
          queries: [
            flow('rabbitmq_connections_opened_total', 'opened'),
            flow('rabbitmq_connections_closed_total', 'closed'),
          ],
        },
        {
          title: 'Erlang processes',
          description: 'Share of the limit. Every connection, channel and queue uses some.',
          unit: 'percentunit',
          queries: [
            {
              expr: `rabbitmq_erlang_processes_used{${NODES}} / rabbitmq_erlang_processes_limit{${NODES}}`,
              legend: '{{instance}}',
            },
          ],
        },
        {
          title: 'Run queue',
          description:
            'Erlang processes waiting for a core. Constantly above the number of cores: RabbitMQ is overloaded.',
          unit: 'short',
          queries: [{ expr: `rabbitmq_erlang_scheduler_run_queue{${NODES}}`, legend: '{{instance}}' }],
        },
      ],
    },
  ],
};
