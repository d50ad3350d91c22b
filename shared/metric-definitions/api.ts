import { wideBuckets, type MetricDefinitions } from './definition.ts';

/** What the API tells of itself. */
export const apiMetrics = {
  image_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered.',
    labels: ['method', 'route', 'status'],
    services: ['api'],
  },
  image_http_server_errors_total: {
    type: 'counter',
    help: 'HTTP requests answered with 5xx, but by /readyz. There from the start, while series by status begin with their first answer.',
    labels: [],
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
} as const satisfies MetricDefinitions;
