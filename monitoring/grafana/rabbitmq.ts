import { lines, rate, stat, type Dashboard } from './dashboard.ts';

const NODES = '{job="rabbitmq"}';
const QUEUES = '{job="rabbitmq-queues"}';

const total = (title: string, description: string, metric: string) =>
  stat(title, 'short', description, { [title.toLowerCase()]: `sum(${metric}${NODES})` });
const flow = (counter: string) => rate(`${counter}${NODES}`);
const byQueue = (metric: string) => ({ '{{queue}}': `sum by (queue) (${metric}${QUEUES})` });

/** Metrics that RabbitMQ exports itself; they are available even without monitoring. */
export const rabbitmq: Dashboard = {
  uid: 'image-rabbitmq',
  title: 'RabbitMQ',
  description: 'Metrics of RabbitMQ itself, from its plugin rabbitmq_prometheus.',
  rows: {
    Now: [
      total(
        'Nodes',
        'Nodes that Prometheus can scrape: one, or three with docker-compose.cluster.yml.',
        'up',
      ),
      total('Connections', 'Open AMQP connections; each service has one or two.', 'rabbitmq_connections'),
      total('Channels', 'Open channels; a few per connection.', 'rabbitmq_channels'),
      total('Consumers', 'Consumers of all queues.', 'rabbitmq_consumers'),
      total('Queues', 'Queues of all kinds.', 'rabbitmq_queues'),
      total('Messages', 'Messages in all queues, including unacknowledged ones.', 'rabbitmq_queue_messages'),
    ],
    Messages: [
      lines(
        'In',
        'suffix:messages/s',
        'Published to exchanges, and confirmed. Many unconfirmed: a disk is slow or full.',
        {
          published: flow('rabbitmq_global_messages_received_total'),
          confirmed: flow('rabbitmq_global_messages_confirmed_total'),
        },
      ),
      lines(
        'Out',
        'suffix:messages/s',
        'Delivered to consumers, and acknowledged. Redelivered: a worker died or requeued the message.',
        {
          delivered: flow('rabbitmq_global_messages_delivered_total'),
          acknowledged: flow('rabbitmq_global_messages_acknowledged_total'),
          redelivered: flow('rabbitmq_global_messages_redelivered_total'),
        },
      ),
      lines(
        'Returned and dead-lettered',
        'suffix:messages/s',
        'Unroutable: a queue is missing. Expired: retried. Rejected: failed.',
        {
          unroutable: flow('rabbitmq_global_messages_unroutable_returned_total'),
          expired: flow('rabbitmq_global_messages_dead_lettered_expired_total'),
          rejected: flow('rabbitmq_global_messages_dead_lettered_rejected_total'),
          'over the delivery limit': flow('rabbitmq_global_messages_dead_lettered_delivery_limit_total'),
        },
      ),
      lines(
        'Ready by queue',
        'short',
        'Messages that wait for a consumer.',
        byQueue('rabbitmq_detailed_queue_messages_ready'),
      ),
      lines(
        'Unacknowledged by queue',
        'short',
        'Messages that consumers have not acknowledged yet.',
        byQueue('rabbitmq_detailed_queue_messages_unacked'),
      ),
      lines(
        'Consumers by queue',
        'short',
        'Consumers as RabbitMQ counts them.',
        byQueue('rabbitmq_detailed_queue_consumers'),
      ),
    ],
    Nodes: [
      lines('Memory', 'bytes', 'Used memory, and the limit at which publishers are blocked.', {
        'used, {{instance}}': `rabbitmq_process_resident_memory_bytes${NODES}`,
        'limit, {{instance}}': `rabbitmq_resident_memory_limit_bytes${NODES}`,
      }),
      lines('Disk', 'bytes', 'Free disk space, and the limit below which publishers are blocked.', {
        'free, {{instance}}': `rabbitmq_disk_space_available_bytes${NODES}`,
        'limit, {{instance}}': `rabbitmq_disk_space_available_limit_bytes${NODES}`,
      }),
      lines(
        'File descriptors',
        'percentunit',
        'Share of the allowed file descriptors. Connections and queues use them.',
        { '{{instance}}': `rabbitmq_process_open_fds${NODES} / rabbitmq_process_max_fds${NODES}` },
      ),
      lines(
        'Connections opened and closed',
        'suffix:connections/s',
        'A constant rate means that a client reconnects again and again.',
        {
          opened: flow('rabbitmq_connections_opened_total'),
          closed: flow('rabbitmq_connections_closed_total'),
        },
      ),
      lines(
        'Erlang processes',
        'percentunit',
        'Share of the limit. Every connection, channel and queue uses some.',
        {
          '{{instance}}': `rabbitmq_erlang_processes_used${NODES} / rabbitmq_erlang_processes_limit${NODES}`,
        },
      ),
      lines(
        'Run queue',
        'short',
        'Erlang processes waiting for a core. Constantly above the number of cores: RabbitMQ is overloaded.',
        { '{{instance}}': `rabbitmq_erlang_scheduler_run_queue${NODES}` },
      ),
    ],
  },
};
