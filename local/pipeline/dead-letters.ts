import { z } from 'zod';
import type { ApiClient } from './api-client.ts';

/** The parts of a dead letter that the commands use. */
const deadLetterSchema = z.object({
  job_id: z.string(),
  run: z.int(),
  attempts: z.int(),
  error: z.object({ code: z.string(), reason: z.string() }),
  death: z.object({ reason: z.string(), queue: z.string(), at: z.string() }),
  name: z.string().nullable(),
  dead_lettered_at: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

const statsSchema = z.object({ count: z.int(), by_reason: z.record(z.string(), z.int()) });
const pageSchema = z.object({ messages: z.array(deadLetterSchema), next_cursor: z.string().nullable() });

export async function deadLetterStats(api: ApiClient): Promise<z.infer<typeof statsSchema>> {
  return api.read('/dlq/stats', statsSchema);
}

/** Oldest job first. */
export async function* deadLetters(api: ApiClient): AsyncGenerator<DeadLetter> {
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof pageSchema> = await api.read(`/dlq/messages?limit=1000${after}`, pageSchema);
    yield* page.messages;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

/** The dead letter of this job; undefined if it has none. */
export async function deadLetterOf(api: ApiClient, jobId: string): Promise<DeadLetter | undefined> {
  for await (const letter of deadLetters(api)) if (letter.job_id === jobId) return letter;
  return undefined;
}

/** The newest dead letter; undefined if there is none. */
export async function newestDeadLetter(api: ApiClient): Promise<DeadLetter | undefined> {
  let newest: DeadLetter | undefined;
  for await (const letter of deadLetters(api)) {
    if (newest === undefined || letter.dead_lettered_at >= newest.dead_lettered_at) newest = letter;
  }
  return newest;
}
