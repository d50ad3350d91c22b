/** One metric of ours. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
  /** A counter that goes on from where the last process ended: not exposed until that is known. */
  readonly isKept?: true;
  /** Which services expose it. */
  readonly services: readonly string[];
}

/** From a cached answer to a job that waited through a whole retry ladder, in seconds. */
export const longBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** For what mostly takes milliseconds, and sometimes minutes: answers that were waited for, news after an outage. */
const wideBuckets = [0.001, 0.0025, 0.005, ...longBuckets];
const shortBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Every metric of ours, in one table. Figures of queues carry the names of RabbitMQ's own exporter. Labels are
 * bounded: no job ids, no paths that a caller can make up.
 */
export const metricDefinitions = {
  image_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered.',
    labels: ['method', 'route', 'status'],
    services: ['api'],
  },
  image_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the request to the end of its answer.',
    labels: ['method', 'route'],
    buckets: wideBuckets,
    services: ['api'],
  },
  image_uploads_accepted_total: {
    type: 'counter',
    help: 'Jobs answered with 202.',
    labels: [],
    services: ['api'],
  },
  image_uploads_refused_total: {
    type: 'counter',
    help: 'Uploaded files refused, by error code.',
    labels: ['code'],
    services: ['api'],
  },
  rabbitmq_queue_messages_ready: {
    type: 'gauge',
    help: 'Messages ready to be delivered to consumers.',
    labels: ['queue'],
    services: ['api', 'monitoring'],
  },
  rabbitmq_queue_consumers: {
    type: 'gauge',
    help: 'Consumers on a queue.',
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
    help: '1 while the memory alarm of a node is on.',
    labels: [],
    services: ['monitoring'],
  },
  rabbitmq_alarms_free_disk_space_watermark: {
    type: 'gauge',
    help: '1 while the disk alarm of a node is on.',
    labels: [],
    services: ['monitoring'],
  },
  image_queue_head_age_seconds: {
    type: 'gauge',
    help: 'How long the oldest job of a queue has waited there, by events; 0 where none waits. Of the queue of jobs and of each retry rung.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  image_jobs_accepted_total: {
    type: 'counter',
    help: 'Runs of jobs that were accepted. Kept over restarts, like all totals of monitoring.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_completed_total: {
    type: 'counter',
    help: 'Runs of jobs that completed.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_failed_total: {
    type: 'counter',
    help: 'Runs of jobs that failed, by error code.',
    labels: ['code'],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_retried_total: {
    type: 'counter',
    help: 'Attempts that were followed by another one.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_job_duration_seconds: {
    type: 'histogram',
    help: 'From acceptance to the result, of runs that completed.',
    labels: [],
    buckets: longBuckets,
    services: ['monitoring'],
  },
  image_jobs_open: {
    type: 'gauge',
    help: 'Runs that were accepted and have not ended, by events: queued, processing or retrying.',
    labels: ['state'],
    services: ['monitoring'],
  },
  image_jobs_unaccounted: {
    type: 'gauge',
    help: 'Accepted runs that have neither completed nor failed, and are in no queue either. 0 when all is well.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_waiting_peak: {
    type: 'gauge',
    help: 'The most jobs that ever waited for a worker at once.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_processing_peak: {
    type: 'gauge',
    help: 'The most jobs that were ever worked on at once.',
    labels: [],
    services: ['monitoring'],
  },
  image_workers: {
    type: 'gauge',
    help: 'Workers that consume jobs.',
    labels: [],
    services: ['monitoring'],
  },
  image_workers_slots: {
    type: 'gauge',
    help: 'Jobs that all workers together can work on at once.',
    labels: [],
    services: ['monitoring'],
  },
  image_workers_busy_slots: {
    type: 'gauge',
    help: 'Jobs that all workers together have in hand, by events.',
    labels: [],
    services: ['monitoring'],
  },
  image_monitoring_refreshes_total: {
    type: 'counter',
    help: 'Refreshes of the snapshot, by whether RabbitMQ could be looked at: ok or failed.',
    labels: ['result'],
    services: ['monitoring'],
  },
  image_monitoring_refresh_duration_seconds: {
    type: 'histogram',
    help: 'Time that a refresh of the snapshot took, waiting in line included.',
    labels: [],
    buckets: shortBuckets,
    services: ['monitoring'],
  },
  image_monitoring_last_look_timestamp_seconds: {
    type: 'gauge',
    help: 'When RabbitMQ was last looked at with success, in seconds since 1970.',
    labels: [],
    services: ['monitoring'],
  },
  image_monitoring_source_up: {
    type: 'gauge',
    help: '1 while a source of the figures answers: management, that is RabbitMQ, or events, that is the log of them read to its end.',
    labels: ['source'],
    services: ['monitoring'],
  },
  image_monitoring_interval_seconds: {
    type: 'gauge',
    help: 'From one refresh of the snapshot to the next.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_finished_total: {
    type: 'counter',
    help: 'Attempts that ended, by what they ended in.',
    labels: ['result'],
    services: ['worker'],
  },
  image_job_stage_duration_seconds: {
    type: 'histogram',
    help: 'Where the time of an attempt goes.',
    labels: ['stage'],
    buckets: longBuckets,
    services: ['worker'],
  },
  image_worker_slots: {
    type: 'gauge',
    help: 'Jobs this worker can work on at once.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_slots: {
    type: 'gauge',
    help: 'Jobs this worker has in hand.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_seconds_total: {
    type: 'counter',
    help: 'Time spent on jobs, summed over slots.',
    labels: [],
    services: ['worker'],
  },
  image_websocket_connections: {
    type: 'gauge',
    help: 'Open WebSocket connections.',
    labels: [],
    services: ['notification'],
  },
  image_websocket_subscriptions: {
    type: 'gauge',
    help: 'Subscriptions of open WebSocket connections, to a job or to all.',
    labels: [],
    services: ['notification'],
  },
  image_websocket_refused_total: {
    type: 'counter',
    help: 'WebSocket handshakes refused, by reason.',
    labels: ['reason'],
    services: ['notification'],
  },
  image_notification_delay_seconds: {
    type: 'histogram',
    help: 'Time from what happened to a job to its being sent to subscribers; clocks of two machines take part.',
    labels: [],
    buckets: wideBuckets,
    services: ['notification'],
  },
  image_websocket_messages_total: {
    type: 'counter',
    help: 'Messages sent to WebSocket subscribers.',
    labels: ['type'],
    services: ['notification'],
  },
  image_websocket_cut_total: {
    type: 'counter',
    help: 'WebSocket connections that the server ended, by reason.',
    labels: ['reason'],
    services: ['notification'],
  },
  image_webhook_deliveries_total: {
    type: 'counter',
    help: 'Webhooks taken from their queue, by what became of them: delivered, retrying, dead, duplicate, deferred (their host was busy) or unreadable.',
    labels: ['state'],
    services: ['notification'],
  },
  image_webhook_duration_seconds: {
    type: 'histogram',
    help: 'Time that a receiver took for a webhook, resolving its name included.',
    labels: [],
    buckets: shortBuckets,
    services: ['notification'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricDefinitions;
