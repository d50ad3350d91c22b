import { EVENT_LOOP_LOOK_SECONDS } from '@image-pipeline/shared/metrics.ts';
import { occurrences, percentiles, type Dashboard } from './dashboard.ts';

const SERVICES = 'job=~"api|worker|notification|monitoring"';
const JOBS = 'job="monitoring", queue="image.jobs.process"';

/** What the system runs on: utilisation, saturation, errors. */
export const workersAndQueues: Dashboard = {
  uid: 'image-workers',
  title: 'Workers and queues',
  description: 'What the pipeline runs on: how busy it is, what waits for it, what goes wrong in it.',
  rows: [
    {
      title: 'Utilisation',
      panels: [
        {
          title: 'Slots in use',
          description:
            'Share of the workers’ slots that was busy. Near 100 % with jobs waiting: add workers.',
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
          description: 'As much as all of them, worker by worker. Unequal ones hint at a slow machine.',
          unit: 'percentunit',
          max: 1,
          queries: [{ expr: 'image_worker_busy_slots / image_worker_slots', legend: '{{instance}}' }],
        },
        {
          title: 'Workers and their slots',
          description:
            'Workers that consume jobs, the jobs that they can do at once, and those that they have.',
          unit: 'short',
          queries: [
            { expr: 'image_workers', legend: 'workers' },
            { expr: 'image_pipeline_slots', legend: 'slots' },
            { expr: 'image_pipeline_busy_slots', legend: 'busy slots' },
          ],
        },
        {
          title: 'CPU by service',
          description: 'Cores that each process used; of a worker, without the processes that decode images.',
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
          description: 'Resident memory of each process. It stays flat, whatever the load.',
          unit: 'bytes',
          queries: [{ expr: `process_resident_memory_bytes{${SERVICES}}`, legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'WebSocket connections',
          description: 'Open connections, and the subscriptions over them.',
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
          description: 'Jobs in the queue that no worker has yet, and the most that ever waited.',
          unit: 'short',
          queries: [
            { expr: `rabbitmq_queue_messages_ready{${JOBS}}`, legend: 'waiting' },
            { expr: 'image_jobs_waiting_peak', legend: 'peak' },
          ],
        },
        {
          title: 'Jobs in work',
          description:
            'Jobs delivered to workers and not acknowledged yet, and the most that ever were in work.',
          unit: 'short',
          queries: [
            { expr: `rabbitmq_queue_messages_unacked{${JOBS}}`, legend: 'unacknowledged' },
            { expr: 'image_jobs_processing_peak', legend: 'peak' },
          ],
        },
        {
          title: 'Messages by queue',
          description:
            'Ready and unacknowledged, of every queue. image.events.log is the log: it is kept a week.',
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
          description: 'Who takes messages from each queue. The dead letter queues have none, and need none.',
          unit: 'short',
          queries: [{ expr: 'rabbitmq_queue_consumers{job="monitoring"}', legend: '{{queue}}' }],
        },
        {
          title: 'Event loop lag, p99',
          description: 'How late Node gets to what is due. Above 0.1 s, a process has too much to do.',
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
          description: 'What attempts of workers ended in. duplicate: another worker had it done already.',
          unit: 'short',
          kind: 'bars',
          queries: [occurrences('image_jobs_finished_total', 'result')],
        },
        {
          title: 'Processes that do not answer',
          description: 'Services that Prometheus asked in vain. 0 when all is well.',
          unit: 'short',
          redFrom: 1,
          queries: [{ expr: 'sum by (job) (1 - up)', legend: '{{job}}' }],
        },
        {
          title: 'Broker alarms',
          description: '1 while RabbitMQ is short of memory or disk, and so takes no messages.',
          unit: 'short',
          redFrom: 1,
          queries: [
            { expr: 'max(rabbitmq_alarms_memory_used_watermark)', legend: 'memory' },
            { expr: 'max(rabbitmq_alarms_free_disk_space_watermark)', legend: 'disk' },
          ],
        },
        {
          title: 'WebSockets refused and cut',
          description: 'Handshakes that were refused and connections that the server ended, by reason.',
          unit: 'short',
          kind: 'bars',
          queries: [
            occurrences('image_websocket_refused_total', 'reason', 'refused: '),
            occurrences('image_websocket_cut_total', 'reason', 'cut: '),
          ],
        },
        {
          title: 'Age of the figures',
          description: 'Since monitoring last looked at RabbitMQ with success, and how often it means to.',
          unit: 's',
          queries: [
            { expr: 'time() - image_monitoring_last_look_timestamp_seconds', legend: 'age' },
            { expr: 'image_monitoring_interval_seconds', legend: 'interval' },
          ],
        },
        {
          title: 'Looks of monitoring at RabbitMQ',
          description: 'By whether it answered.',
          unit: 'suffix:looks/s',
          queries: [
            {
              expr: 'sum by (result) (rate(image_monitoring_refreshes_total[$__rate_interval]))',
              legend: '{{result}}',
            },
          ],
        },
        {
          title: 'Time of a look',
          description: 'How long monitoring took to make its snapshot anew, waiting in line included.',
          unit: 's',
          queries: percentiles('image_monitoring_refresh_duration_seconds'),
        },
      ],
    },
  ],
};
