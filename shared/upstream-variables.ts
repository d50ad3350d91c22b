import { seconds, wholeNumber } from './config.ts';

/** The limits of each RequestQueue: one for thumbnails from the store, another one for the management API. */
export const upstreamVariables = {
  UPSTREAM_MAX_CONCURRENT: wholeNumber({
    min: 1,
    max: 100,
    default: 3,
    description: 'concurrent calls to the management API, and thumbnail reads from the store',
  }),
  UPSTREAM_MIN_INTERVAL: seconds({
    min: 0,
    max: 60,
    default: 0.1,
    description: 'minimum time between two such calls',
  }),
} as const;
