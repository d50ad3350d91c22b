import { z } from 'zod';
import { operationKinds, type OperationKind } from '../upload/operation-kinds.ts';

/** Keeps the plan of a replay, about a hundred bytes a run, below what a record may have. */
export const MAX_REPLAYED = 5_000;
const MAX_IDS = 1_000;

const kinds = Object.keys(operationKinds).filter((kind): kind is OperationKind =>
  Object.hasOwn(operationKinds, kind),
);

export const deadLetterFilterSchema = z
  .object({
    reason: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'Only those with this error code.', example: 'deadline_exceeded' }),
    operation: z
      .enum(kinds)
      .optional()
      .meta({ description: 'Only jobs that asked for this kind of operation.' }),
    older_than_seconds: z
      .number()
      .min(0)
      .optional()
      .meta({ description: 'Only those that were buried so long ago.' }),
  })
  .meta({ id: 'DeadLetterFilter' });

export const replayBodySchema = z
  .object({
    ids: z
      .array(z.string().max(100))
      .min(1)
      .max(MAX_IDS)
      .optional()
      .meta({ description: 'These jobs; if one of them cannot be replayed, none is.' }),
    filter: deadLetterFilterSchema.optional().meta({ description: 'Those that meet all of it.' }),
    all: z.literal(true).optional().meta({ description: 'All of them.' }),
    dry_run: z.boolean().default(false).meta({ description: 'Only say what would be replayed.' }),
    limit: z
      .int()
      .min(1)
      .max(MAX_REPLAYED)
      .default(MAX_REPLAYED)
      .meta({ description: 'At most so many; those that were replayed least, and the oldest jobs, first.' }),
  })
  .meta({
    id: 'ReplayOrder',
    description: 'Exactly one of `ids`, `filter` and `all` says which dead letters.',
  });

export type ReplayBody = z.output<typeof replayBodySchema>;
