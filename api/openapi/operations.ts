import { deadLetterOperations } from './operations/dead-letters.ts';
import { imageOperations } from './operations/images.ts';
import { jobOperations } from './operations/jobs.ts';
import type { Operations } from './operations/operation.ts';
import { serviceOperations } from './operations/service.ts';
import { upstreamOperations } from './operations/upstream.ts';
import { statusOperations } from './operations/status.ts';

/** Every call of the API. The routes of the server are typed by the keys of this table. */
export const operations = {
  ...imageOperations,
  ...jobOperations,
  ...deadLetterOperations,
  ...upstreamOperations,
  ...statusOperations,
  ...serviceOperations,
} as const satisfies Operations;

export type Route = keyof typeof operations;
