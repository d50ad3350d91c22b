import { shortBuckets, wideBuckets, type MetricDefinitions } from './definition.ts';

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
  image_websocket_cut_total: {
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
