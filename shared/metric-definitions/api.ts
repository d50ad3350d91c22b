import { wideBuckets, type MetricDefinitions } from './definition.ts';

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
