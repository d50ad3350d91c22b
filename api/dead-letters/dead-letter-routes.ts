import { type DeadLetter, deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { invalidParameter } from '@image-pipeline/shared/validation.ts';
import type { RequestHandler } from 'express';
import PQueue from 'p-queue';
import { z } from 'zod';
import { cursorMeta, nextCursorSchema, readQuery, wholeNumber } from '../http/request.ts';
import type { Links } from '../jobs/links.ts';
import { EXAMPLE_JOB_ID, exactlyOneOf } from '../openapi/operation.ts';
import { findDeadLetters, type ReadState } from './choose-dead-letters.ts';
import { type DeadLetters, markDeadLetter } from './dead-letters.ts';

const counts = z.record(z.string(), z.int());

export const deadLetterStatsSchema = z
  .object({
    count: z.int().meta({ description: 'Number of dead letters; each run counts.' }),
    by_reason: counts.meta({ description: 'By error code.' }),
    by_operation: counts.meta({ description: 'By requested operation.' }),
    oldest_age_seconds: z.number().nullable().meta({ description: 'Age of the oldest dead letter.' }),
  })
  .meta({ id: 'DeadLetterStats' });

/** A dead letter in responses. Parsing drops internal members. */
export const deadLetterEntrySchema = deadLetterSchema
  .omit({ version: true, state: true })
  .extend({ status_url: z.string() });

export const deadLetterListSchema = z
  .object({
    messages: z.array(deadLetterEntrySchema).meta({ description: 'Oldest job first.' }),
    next_cursor: nextCursorSchema,
  })
  .meta({ id: 'DeadLetterList' });

export const deadLetterListQuerySchema = z.object({
  limit: wholeNumber(1, 1_000, 100, 'Dead letters on one page.'),
  cursor: z.string().max(200).optional().meta(cursorMeta),
});

/** `GET /dlq/stats`: number of dead letters, by error and operation. */
export function deadLetterStatsRoute(deadLetters: DeadLetters): RequestHandler {
  return async (_request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    response.json(deadLetterStats(await deadLetters.all(), new Date()));
  };
}

/** `GET /dlq/messages`: dead letters with their reasons. Consumes nothing from the queue. */
export function deadLetterListRoute(deadLetters: DeadLetters, links: Links): RequestHandler {
  return async (request, response) => {
    const { limit, cursor } = readQuery(request, deadLetterListQuerySchema);
    const page = await deadLetters.page({ limit, after: cursor });
    const messages = page.deadLetters.map((deadLetter) =>
      deadLetterEntrySchema.parse({ ...deadLetter, status_url: links.status(deadLetter.job_id) }),
    );
    response.setHeader('Cache-Control', 'no-store');
    response.json({ messages, next_cursor: page.next ?? null } satisfies z.output<
      typeof deadLetterListSchema
    >);
  };
}

function deadLetterStats(
  deadLetters: readonly DeadLetter[],
  now: Date,
): z.output<typeof deadLetterStatsSchema> {
  const times = deadLetters.map(({ dead_lettered_at }) => Date.parse(dead_lettered_at));
  const oldest = times.reduce((earliest, time) => Math.min(earliest, time), Infinity);
  return {
    count: deadLetters.length,
    by_reason: countBy(deadLetters.map(({ error }) => error.code)),
    by_operation: countBy(deadLetters.flatMap(({ operations }) => [...new Set(operations)])),
    oldest_age_seconds: deadLetters.length === 0 ? null : Math.max(0, (now.getTime() - oldest) / 1_000),
  };
}

/** Most frequent first. */
function countBy(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, one], [, other]) => other - one));
}

const selectors = ['id', 'all'] as const;

const jobId = z.string().max(100);

export const removalQuerySchema = z
  .strictObject({
    id: z
      .union([jobId.transform((id) => [id]), z.array(jobId).min(1)])
      .optional()
      .meta({ description: 'The job whose dead letter is removed; may be repeated.' }),
    all: z.literal('true').optional().meta({ description: 'Remove all of them.' }),
  })
  .meta({
    description: 'Exactly one of `id` and `all` selects the dead letters.',
    example: { id: EXAMPLE_JOB_ID },
    override: exactlyOneOf(selectors),
  });

export const removalSchema = z
  .object({
    removed: z.int().min(0).meta({ description: 'Number of removed dead letters; their jobs stay failed.' }),
  })
  .meta({ id: 'Removal' });

/** `DELETE /dlq/messages?id=…&id=…` or `?all=true`. */
export function removalRoute(deps: RemoveDeps): RequestHandler {
  return async (request, response) => {
    const { id: ids, all } = readQuery(request, removalQuerySchema);
    if ((ids === undefined) === (all === undefined)) {
      const seen = ids === undefined ? 'got none' : 'got both';
      throw invalidParameter(selectors.join(', '), `send either ?id=… (once or more) or ?all=true; ${seen}`, {
        allowed: selectors,
      });
    }
    const removed = await removeDeadLetters(ids === undefined ? 'all' : { ids }, deps);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ removed } satisfies z.output<typeof removalSchema>);
  };
}

/** Records written at the same time. */
const MAX_CONCURRENT_WRITES = 16;

interface RemoveDeps {
  readonly deadLetters: Pick<DeadLetters, 'records'>;
  readonly store: Pick<ObjectStore, 'put'>;
  readonly readState: ReadState;
  /** Removes their messages from the queue soon. */
  readonly sweep: (deadLetters: readonly DeadLetter[]) => void;
}

/**
 * Removes dead letters, all or those with these ids; their jobs stay failed. A dead letter that is replayed at the same
 * moment is removed from the queue as well, and its job is replayed.
 * @returns how many
 * @throws PipelineError `job_not_found`, `not_in_dlq`; StoreUnavailable: some may be removed; safe to call again
 */
async function removeDeadLetters(
  chosen: { readonly ids: readonly string[] } | 'all',
  { deadLetters, store, readState, sweep }: RemoveDeps,
): Promise<number> {
  const records = await deadLetters.records();
  const dead =
    chosen === 'all'
      ? records.filter(({ state }) => state === 'dead')
      : await findDeadLetters(chosen.ids, records, readState);
  const marks = new PQueue({ concurrency: MAX_CONCURRENT_WRITES });
  try {
    await marks.addAll(dead.map((deadLetter) => () => markDeadLetter(store, deadLetter, 'removed')));
  } finally {
    marks.clear();
    sweep(dead);
  }
  return dead.length;
}
