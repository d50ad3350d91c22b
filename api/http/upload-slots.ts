import { once } from 'node:events';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import PQueue from 'p-queue';

const WAITING_PER_SLOT = 10;

/** Lets `slots` requests in at once; ten times as many wait with their bodies unread, further ones are refused. */
export function limitUploads(slots: number): RequestHandler {
  const inHand = new PQueue({ concurrency: slots });
  const maxWaiting = slots * WAITING_PER_SLOT;
  return (_request, response, next) => {
    if (inHand.size >= maxWaiting) {
      throw new PipelineError('overloaded', `${inHand.size} uploads are waiting for their turn already.`, {
        details: { limit: maxWaiting, seen: inHand.size },
      });
    }
    const over = new AbortController();
    response.once('close', () => over.abort());
    // Whoever hangs up while waiting leaves the line: its place is not held, and nobody is told.
    inHand
      .add(
        async () => {
          next();
          await once(response, 'close');
        },
        { signal: over.signal },
      )
      .catch(() => undefined);
  };
}
