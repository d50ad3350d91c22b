import type { RequestHandler } from 'express';
import type { z } from 'zod';
import { deadLetterEntrySchema, type deadLetterListSchema } from './dead-letter-responses.ts';
import { deadLetterListQuerySchema } from '../http/queries.ts';
import { deadLetterStats } from './dead-letter-stats.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Links } from '../jobs/links.ts';
import { readQuery } from '../http/query.ts';

/** `GET /dlq/stats`: how many lie dead, and of what. */
export function deadLetterStatsRoute(letters: DeadLetters): RequestHandler {
  return async (_request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    response.json(deadLetterStats(await letters.all(), new Date()));
  };
}

/** `GET /dlq/messages`: each dead letter with its reason; nothing is taken out of the queue for it. */
export function deadLetterListRoute(letters: DeadLetters, links: Links): RequestHandler {
  return async (request, response) => {
    const { limit, cursor } = readQuery(request, deadLetterListQuerySchema);
    const page = await letters.page({ limit, after: cursor });
    const messages = page.letters.map((letter) =>
      deadLetterEntrySchema.parse({ ...letter, status_url: links.status(letter.job_id) }),
    );
    response.setHeader('Cache-Control', 'no-store');
    response.json({ messages, next_cursor: page.next ?? null } satisfies z.output<
      typeof deadLetterListSchema
    >);
  };
}
