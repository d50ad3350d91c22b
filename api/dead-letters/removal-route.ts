import type { RequestHandler } from 'express';
import type { z } from 'zod';
import { removalQuerySchema } from '../http/queries.ts';
import type { removalSchema } from './replay-responses.ts';
import { removeDeadLetters, type RemoveDeps } from './remove-dead-letters.ts';
import { invalidParameter } from '../http/invalid-parameter.ts';
import { readQuery } from '../http/query.ts';

const ways = ['id', 'all'] as const;

/** `DELETE /dlq/messages?id=…&id=…` or `?all=true`. */
export function removalRoute(deps: RemoveDeps): RequestHandler {
  return async (request, response) => {
    const { id: ids, all } = readQuery(request, removalQuerySchema);
    if ((ids === undefined) === (all === undefined)) {
      const seen = ids === undefined ? 'none of them is there' : 'both are there';
      throw invalidParameter(
        ways.join(', '),
        `say which dead letters: ?id=… (once or more) or ?all=true; ${seen}`,
        {
          allowed: ways,
        },
      );
    }
    const removed = await removeDeadLetters(ids === undefined ? 'all' : { ids }, deps);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ removed } satisfies z.output<typeof removalSchema>);
  };
}
