import { EVENT_LOOP_SAMPLING_SECONDS } from '@image-pipeline/shared/metrics.ts';
import { bars, lines, occurrences, percentiles, rate, type Dashboard } from './dashboard.ts';

const SERVICES = '{job=~"api|worker|notification|monitoring"}';
const JOB_QUEUE = '{job="monitoring", queue="image.jobs.process"}';
const PROCESS = '{{job}} {{instance}}';
const jobQueueRate = (counter: string) => `rate(${counter}${JOB_QUEUE}[$__rate_interval])`;

/** Utilisation, saturation and errors of the workers and queues. */
export const workersAndQueues: Dashboard = {
  uid: 'image-workers',
  title: 'Workers and queues',
  description: 'Utilisation, saturation and errors of the workers and queues.',
  rows: {
    Utilisation: [
      lines(
        'Slots in use',
        'percentunit',
        'Share of the workers’ slots that are busy. Near 100 % while jobs are waiting: add workers.',
        {
          'all workers, on average': `${rate('image_worker_busy_seconds_total')} / sum(image_worker_slots)`,
          'all workers, at the moment': 'sum(image_worker_busy_slots) / sum(image_worker_slots)',
        },
        { max: 1 },
      ),
      lines(
        'Slots in use by worker',
        'percentunit',
        'Busy slots of each worker. Unequal values suggest a slow machine.',
        { '{{instance}}': 'image_worker_busy_slots / image_worker_slots' },
        { max: 1 },
      ),
      lines(
        'Workers and their slots',
        'short',
        'Workers that consume jobs, their slots, and the busy slots.',
        {
          workers: 'image_workers',
          slots: 'image_pipeline_slots',
          'busy slots': 'image_pipeline_busy_slots',
        },
      ),
      lines(
        'CPU by service',
        'suffix:cores',
        'Cores used by each process. For workers, without the processes that decode images.',
        { [PROCESS]: `rate(process_cpu_seconds_total${SERVICES}[$__rate_interval])` },
      ),
      lines('Memory by service', 'bytes', 'Resident memory of each process. Stays flat at any load.', {
        [PROCESS]: `process_resident_memory_bytes${SERVICES}`,
      }),
      lines('WebSocket connections', 'short', 'Open connections and their subscriptions.', {
        connections: 'sum(image_websocket_connections)',
        subscriptions: 'sum(image_websocket_subscriptions)',
      }),
    ],
    Saturation: [
      lines('Waiting jobs', 'short', 'Jobs in the queue that no worker has yet, and the all-time maximum.', {
        waiting: `rabbitmq_queue_messages_ready${JOB_QUEUE}`,
        peak: 'image_jobs_waiting_peak',
      }),
      lines(
        'Jobs in progress',
        'short',
        'Jobs delivered to workers and not acknowledged yet, and the all-time maximum.',
        {
          unacknowledged: `rabbitmq_queue_messages_unacked${JOB_QUEUE}`,
          peak: 'image_jobs_processing_peak',
        },
      ),
      lines(
        'Messages by queue',
        'short',
        'Ready and unacknowledged messages of every queue, without the event log.',
        { '{{queue}}': 'rabbitmq_queue_messages{job="monitoring", queue!="image.events.log"}' },
      ),
      lines(
        'Flow of the job queue',
        'suffix:messages/s',
        'Published, delivered and acknowledged. More delivered than acknowledged: redeliveries.',
        {
          published: jobQueueRate('rabbitmq_queue_messages_published_total'),
          delivered: jobQueueRate('rabbitmq_queue_messages_delivered_ack_total'),
          acknowledged: jobQueueRate('rabbitmq_queue_messages_acked_total'),
        },
      ),
      lines('Consumers by queue', 'short', 'Consumers of each queue. The dead-letter queues need none.', {
        '{{queue}}': 'rabbitmq_queue_consumers{job="monitoring"}',
      }),
      lines('Event loop lag, p99', 's', 'Delay of Node’s event loop. Above 0.1 s, a process is overloaded.', {
        [PROCESS]: `clamp_min(nodejs_eventloop_lag_p99_seconds${SERVICES} - ${EVENT_LOOP_SAMPLING_SECONDS}, 0)`,
      }),
    ],
    Errors: [
      bars(
        'Attempts by result',
        'Results of attempts. duplicate: another worker had already completed the job.',
        occurrences('image_jobs_finished_total', 'result'),
      ),
      lines(
        'Unreachable processes',
        'short',
        'Services that Prometheus could not scrape. Normally 0.',
        { '{{job}}': 'sum by (job) (1 - up)' },
        { redFrom: 1 },
      ),
      lines(
        'Broker alarms',
        'short',
        '1 while RabbitMQ is low on memory or disk space and blocks publishers.',
        {
          memory: 'max(rabbitmq_alarms_memory_used_watermark)',
          disk: 'max(rabbitmq_alarms_free_disk_space_watermark)',
        },
        { redFrom: 1 },
      ),
      bars(
        'WebSockets rejected and closed',
        'Rejected handshakes, and connections that the server closed, by reason.',
        {
          ...occurrences('image_websocket_refused_total', 'reason', 'rejected: '),
          ...occurrences('image_websocket_disconnects_total', 'reason', 'closed: '),
        },
      ),
      lines(
        'Age of the metrics',
        's',
        'Time since monitoring last sampled RabbitMQ, and the refresh interval.',
        {
          age: 'time() - image_monitoring_last_sample_timestamp_seconds',
          interval: 'image_monitoring_interval_seconds',
        },
      ),
      lines('Refreshes of monitoring', 'suffix:refreshes/s', 'Samples of RabbitMQ, by result.', {
        '{{result}}': rate('image_monitoring_refreshes_total', 'result'),
      }),
      lines(
        'Duration of a refresh',
        's',
        'Time that monitoring took to refresh its snapshot, including queueing.',
        percentiles('image_monitoring_refresh_duration_seconds'),
      ),
    ],
  },
};
