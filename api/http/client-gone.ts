import type { Response } from 'express';

/** Aborts when nobody waits for this answer any more. */
export function closed(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
