import { shortBuckets, wideBuckets, type MetricDefinitions } from './definition.ts';

/** What the notification service tells of itself. */
export const notificationMetrics = {
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
} as const satisfies MetricDefinitions;
