import { invalidBySchema, invalidParameter, validate } from '@image-pipeline/shared/validation.ts';
import { z } from 'zod';
import { exactlyOneOf } from '../openapi/operation.ts';
import { type OperationKind, operationKinds } from '../upload/parse-operations.ts';
import type { DeadLetterFilter } from './choose-dead-letters.ts';

/** Keeps the plan of a replay, about 100 bytes per run, below the size limit of a record. */
const MAX_REPLAYED = 5_000;
const MAX_IDS = 1_000;

const kinds = Object.keys(operationKinds).filter((kind): kind is OperationKind =>
  Object.hasOwn(operationKinds, kind),
);

const deadLetterFilterSchema = z
  .strictObject({
    reason: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'Only dead letters with this error code.', example: 'deadline_exceeded' }),
    operation: z.enum(kinds).optional().meta({ description: 'Only jobs with this operation.' }),
    older_than_seconds: z
      .number()
      .min(0)
      .optional()
      .meta({ description: 'Only dead letters that are at least this old.' }),
  })
  .meta({ id: 'DeadLetterFilter', override: { minProperties: 1 } });

const selectors = ['ids', 'filter', 'all'] as const;

export const replayBodySchema = z
  .strictObject({
    ids: z
      .array(z.string().max(100))
      .min(1)
      .max(MAX_IDS)
      .optional()
      .meta({ description: 'Job ids. If one of them cannot be replayed, none is.' }),
    filter: deadLetterFilterSchema
      .optional()
      .meta({ description: 'Dead letters that match all members of the filter.' }),
    all: z.literal(true).optional().meta({ description: 'All dead letters.' }),
    dry_run: z.boolean().default(false).meta({ description: 'Only list what would be replayed.' }),
    limit: z
      .int()
      .min(1)
      .max(MAX_REPLAYED)
      .default(MAX_REPLAYED)
      .meta({ description: 'Maximum number of jobs; those replayed least often and the oldest first.' }),
  })
  .meta({
    id: 'ReplayOrder',
    description: 'Exactly one of `ids`, `filter` and `all` selects the dead letters.',
    override: exactlyOneOf(selectors),
  });

type ReplayBody = z.output<typeof replayBodySchema>;

export interface ReplayOrder {
  readonly selection: { readonly ids: readonly string[] } | { readonly filter: DeadLetterFilter };
  readonly dryRun: boolean;
  readonly limit: number;
}

const record = z.record(z.string(), z.unknown());

/**
 * Parses the body of a replay request. `all` is an empty filter.
 * @param body any JSON value
 * @throws PipelineError `invalid_parameter` with what is wrong and what is allowed
 */
export function parseReplayOrder(body: unknown): ReplayOrder {
  if (!record.safeParse(body).success) {
    throw invalidParameter('body', 'must be a JSON object, e.g. {"ids": ["…"]} or {"all": true}');
  }
  const { data, problems } = validate(replayBodySchema, body);
  if (problems !== undefined) throw invalidBySchema('', problems);
  return { selection: selectionOf(data), dryRun: data.dry_run, limit: data.limit };
}

function selectionOf(body: ReplayBody): ReplayOrder['selection'] {
  const given = selectors.filter((way) => body[way] !== undefined);
  if (given.length !== 1) {
    const seen = given.length === 0 ? 'got none' : `got ${given.join(' and ')}`;
    throw invalidParameter(selectors.join(', '), `send exactly one of them; ${seen}`, { allowed: selectors });
  }
  if (body.ids !== undefined) return { ids: body.ids };
  const filter = body.filter ?? {};
  if (body.all === undefined && Object.values(filter).every((value) => value === undefined)) {
    throw invalidParameter('filter', 'must not be empty; for all dead letters send {"all": true}', {
      allowed: Object.keys(deadLetterFilterSchema.shape),
    });
  }
  return { filter };
}
