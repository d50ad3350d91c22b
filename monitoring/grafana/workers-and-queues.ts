import { EVENT_LOOP_LOOK_SECONDS } from '@image-pipeline/shared/metrics.ts';
import { occurrences, percentiles, type Dashboard } from './dashboard.ts';

const SERVICES = 'job=~"api|worker|notification|monitoring"';
const JOBS = 'job="monitoring", queue="image.jobs.process"';

/** Utilisation, saturation and errors of the workers and queues. */
export const workersAndQueues: Dashboard = {
  uid: 'image-workers',
  title: 'Workers and queues',
  description: 'Utilisation, saturation and errors of the workers and queues.',
  rows: [
    {
      title: 'Utilisation',
      panels: [
        {
          title: 'Slots in use',
          description:
            'Share of the workers’ slots that are busy. Near 100 % while jobs are waiting: add workers.',
          unit: 'percentunit',
          max: 1,
          queries: [
            {
              expr: 'sum(rate(image_worker_busy_seconds_total[$__rate_interval])) / sum(image_worker_slots)',
              legend: 'all workers, on average',
            },
            {
              expr: 'sum(image_worker_busy_slots) / sum(image_worker_slots)',
              legend: 'all workers, at the moment',
            },
          ],
        },
        {
          title: 'Slots in use by worker',
          description: 'Busy slots of each worker. Unequal values suggest a slow machine.',
          unit: 'percentunit',
          max: 1,
          queries: [{ expr: 'image_worker_busy_slots / image_worker_slots', legend: '{{instance}}' }],
        },
        {
          title: 'Workers and their slots',
          description: 'Workers that consume jobs, their slots, and the busy slots.',
          unit: 'short',
          queries: [
            { expr: 'image_workers', legend: 'workers' },
            { expr: 'image_pipeline_slots', legend: 'slots' },
            { expr: 'image_pipeline_busy_slots', legend: 'busy slots' },
          ],
        },
        {
          title: 'CPU by service',
          description: 'Cores used by each process. For workers, without the processes that decode images.',
          unit: 'suffix:cores',
          queries: [
            {
              expr: `rate(process_cpu_seconds_total{${SERVICES}}[$__rate_interval])`,
              legend: '{{job}} {{instance}}',
            },
          ],
        },
        {
          title: 'Memory by service',
          description: 'Resident memory of each process. Stays flat at any load.',
          unit: 'bytes',
          queries: [{ expr: `process_resident_memory_bytes{${SERVICES}}`, legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'WebSocket connections',
          description: 'Open connections and their subscriptions.',
          unit: 'short',
          queries: [
            { expr: 'sum(image_websocket_connections)', legend: 'connections' },
            { expr: 'sum(image_websocket_subscriptions)', legend: 'subscriptions' },
          ],
        },
      ],
    },
    {
      title: 'Saturation',
      panels: [
        {
          title: 'Waiting jobs',
          description: 'Jobs in the queue that no worker has yet, and the all-time maximum.',
          unit: 'short',
          queries: [
            { expr: `rabbitmq_queue_messages_ready{${JOBS}}`, legend: 'waiting' },
            { expr: 'image_jobs_waiting_peak', legend: 'peak' },
          ],
        },
        {
          title: 'Jobs in progress',
          description: 'Jobs delivered to workers and not acknowledged yet, and the all-time maximum.',
          unit: 'short',
          queries: [
            { expr: `rabbitmq_queue_messages_unacked{${JOBS}}`, legend: 'unacknowledged' },
            { expr: 'image_jobs_processing_peak', legend: 'peak' },
          ],
        },
        {
          title: 'Messages by queue',
          description: 'Ready and unacknowledged messages of every queue, without the event log.',
          unit: 'short',
          queries: [
            {
              expr: 'rabbitmq_queue_messages{job="monitoring", queue!="image.events.log"}',
              legend: '{{queue}}',
            },
          ],
        },
        {
          title: 'Flow of the job queue',
          description:
            'Published, delivered and acknowledged. More delivered than acknowledged: redeliveries.',
          unit: 'suffix:messages/s',
          queries: [
            {
              expr: `rate(rabbitmq_queue_messages_published_total{${JOBS}}[$__rate_interval])`,
              legend: 'published',
            },
            {
              expr: `rate(rabbitmq_queue_messages_delivered_ack_total{${JOBS}}[$__rate_interval])`,
              legend: 'delivered',
            },
            {
              expr: `rate(rabbitmq_queue_messages_acked_total{${JOBS}}[$__rate_interval])`,
              legend: 'acknowledged',
            },
          ],
        },
        {
          title: 'Consumers by queue',
          description: 'Consumers of each queue. The dead-letter queues need none.',
          unit: 'short',
          queries: [{ expr: 'rabbitmq_queue_consumers{job="monitoring"}', legend: '{{queue}}' }],
        },
        {
          title: 'Event loop lag, p99',
          description: 'Delay of Node’s event loop. Above 0.1 s, a process is overloaded.',
          unit: 's',
          queries: [
            {
              expr: `clamp_min(nodejs_eventloop_lag_p99_seconds{${SERVICES}} - ${EVENT_LOOP_LOOK_SECONDS}, 0)`,
              legend: '{{job}} {{instance}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Errors',
      panels: [
        {
          title: 'Attempts by result',
          description: 'Results of attempts. duplicate: another worker had already completed the job.',
          unit: 'short',
          kind: 'bars',
          queries: [occurrences('image_jobs_finished_total', 'result')],
        },
        {
          title: 'Unreachable processes',
          description: 'Services that Prometheus could not scrape. Normally 0.',
          unit: 'short',
          redFrom: 1,
          queries: [{ expr: 'sum by (job) (1 - up)', legend: '{{job}}' }],
        },
        {
          title: 'Broker alarms',
          description: '1 while RabbitMQ is low on memory or disk space and blocks publishers.',
          unit: 'short',
          redFrom: 1,
          queries: [
            { expr: 'max(rabbitmq_alarms_memory_used_watermark)', legend: 'memory' },
            { expr: 'max(rabbitmq_alarms_free_disk_space_watermark)', legend: 'disk' },
          ],
        },
        {
          title: 'WebSockets rejected and closed',
          description: 'Rejected handshakes, and connections that the server closed, by reason.',
          unit: 'short',
          kind: 'bars',
          queries: [
            occurrences('image_websocket_refused_total', 'reason', 'rejected: '),
            occurrences('image_websocket_cut_total', 'reason', 'closed: '),
          ],
        },
        {
          title: 'Age of the metrics',
          description: 'Time since monitoring last sampled RabbitMQ, and the refresh interval.',
          unit: 's',
          queries: [
            { expr: 'time() - image_monitoring_last_sample_timestamp_seconds', legend: 'age' },
            { expr: 'image_monitoring_interval_seconds', legend: 'interval' },
          ],
        },
        {
          title: 'Refreshes of monitoring',
          description: 'Samples of RabbitMQ, by result.',
          unit: 'suffix:refreshes/s',
          queries: [
            {
              expr: 'sum by (result) (rate(image_monitoring_refreshes_total[$__rate_interval]))',
              legend: '{{result}}',
            },
          ],
        },
        {
          title: 'Duration of a refresh',
          description: 'Time that monitoring took to refresh its snapshot, including queueing.',
          unit: 's',
          queries: percentiles('image_monitoring_refresh_duration_seconds'),
        },
      ],
    },
  ],
};
