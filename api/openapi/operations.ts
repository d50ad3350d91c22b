import { deadLetterOperations } from '../dead-letters/dead-letters-openapi.ts';
import { imageOperations } from '../jobs/images-openapi.ts';
import { jobOperations } from '../jobs/jobs-openapi.ts';
import type { Operations } from './operation.ts';
import { serviceOperations } from '../http/service-openapi.ts';
import { upstreamOperations } from '../thumbnails/thumbnails-openapi.ts';
import { statusOperations } from '../pipeline-status/pipeline-status-openapi.ts';

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
