import { type DeadLetter, deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { cursorMeta, nextCursorSchema, readQuery, wholeNumber } from '../http/request.ts';
import type { Links } from '../jobs/links.ts';
import type { DeadLetters } from './dead-letters.ts';

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
  const times = deadLetters.map(({ buried_at }) => Date.parse(buried_at));
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
