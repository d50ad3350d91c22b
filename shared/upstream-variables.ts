import { seconds, wholeNumber } from './config.ts';

/** How every RequestQueue goes about its upstream: the store's thumbnails, and apart from them the management API. */
export const upstreamVariables = {
  UPSTREAM_MAX_CONCURRENT: wholeNumber({
    min: 1,
    max: 100,
    default: 3,
    description: 'calls to one slow upstream (RabbitMQ’s management API, the store’s thumbnails) at once',
  }),
  UPSTREAM_MIN_INTERVAL: seconds({
    min: 0,
    max: 60,
    default: 0.1,
    description: 'what passes at least between the starts of two such calls',
  }),
} as const;
