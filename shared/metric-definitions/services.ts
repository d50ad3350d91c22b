import { longBuckets, type MetricDefinitions, shortBuckets, wideBuckets } from './definition.ts';

/** The metrics of the API. */
export const apiMetrics = {
  image_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests.',
    labels: ['method', 'route', 'status'],
    services: ['api'],
  },
  image_http_server_errors_total: {
    type: 'counter',
    help: 'HTTP responses with 5xx, except of /readyz. Exposed from the start, unlike the series by status.',
    labels: [],
    services: ['api'],
  },
  image_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the request to the end of the response.',
    labels: ['method', 'route'],
    buckets: wideBuckets,
    services: ['api'],
  },
  image_store_damaged_images_total: {
    type: 'counter',
    help: 'Images in the object store that do not match their records: result, original or thumbnail.',
    labels: ['kind'],
    services: ['api'],
  },
  image_uploads_accepted_total: {
    type: 'counter',
    help: 'Accepted jobs (202).',
    labels: [],
    services: ['api'],
  },
  image_uploads_refused_total: {
    type: 'counter',
    help: 'Rejected files, by error code.',
    labels: ['code'],
    services: ['api'],
  },
} as const satisfies MetricDefinitions;

/** The metrics of a worker. */
export const workerMetrics = {
  image_jobs_finished_total: {
    type: 'counter',
    help: 'Finished attempts, by result.',
    labels: ['result'],
    services: ['worker'],
  },
  image_job_stage_duration_seconds: {
    type: 'histogram',
    help: 'Duration of each stage of an attempt.',
    labels: ['stage'],
    buckets: longBuckets,
    services: ['worker'],
  },
  image_worker_slots: {
    type: 'gauge',
    help: 'Jobs that this worker can process at a time.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_slots: {
    type: 'gauge',
    help: 'Slots of this worker in use.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_seconds_total: {
    type: 'counter',
    help: 'Time spent on jobs, summed over all slots.',
    labels: [],
    services: ['worker'],
  },
} as const satisfies MetricDefinitions;

/** The metrics of the notification service. */
export const notificationMetrics = {
  image_websocket_connections: {
    type: 'gauge',
    help: 'Open WebSocket connections.',
    labels: [],
    services: ['notification'],
  },
  image_websocket_subscriptions: {
    type: 'gauge',
    help: 'Subscriptions of open WebSocket connections, to one job or to all.',
    labels: [],
    services: ['notification'],
  },
  image_websocket_refused_total: {
    type: 'counter',
    help: 'Rejected WebSocket handshakes, by reason.',
    labels: ['reason'],
    services: ['notification'],
  },
  image_notification_delay_seconds: {
    type: 'histogram',
    help: 'Time from an event of a job until it is sent to subscribers; includes the clock difference of two machines.',
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
  image_websocket_disconnects_total: {
    type: 'counter',
    help: 'WebSocket connections closed by the server, by reason.',
    labels: ['reason'],
    services: ['notification'],
  },
  image_webhook_deliveries_total: {
    type: 'counter',
    help: 'Webhooks, by result: delivered, retrying, dead, duplicate, deferred (the receiver was busy) or unreadable.',
    labels: ['state'],
    services: ['notification'],
  },
  image_webhook_duration_seconds: {
    type: 'histogram',
    help: 'Response time of webhook receivers, including DNS.',
    labels: [],
    buckets: shortBuckets,
    services: ['notification'],
  },
} as const satisfies MetricDefinitions;
