import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import type { Request, RequestHandler, Response } from 'express';
import PQueue from 'p-queue';
import { limitRate, refuseWhileUnavailable } from '../http/guards.ts';

export interface UploadGuardOptions {
  /** 0: no limit. */
  readonly ratePerMinute: number;
  readonly slots: number;
  /** Why no job can be accepted right now, or undefined. */
  readonly whyUnavailable: () => PipelineError | undefined;
}

/** The guards of an upload, which run before its body is read, and then its handler. */
export function guardUpload(handle: AsyncHandler, options: UploadGuardOptions): RequestHandler[] {
  const { ratePerMinute, slots, whyUnavailable } = options;
  return [
    ...(ratePerMinute === 0 ? [] : [limitRate(ratePerMinute)]),
    refuseWhileUnavailable(whyUnavailable),
    inUploadSlots(slots, handle),
  ];
}

const WAITING_PER_SLOT = 10;

/** Sends a response, or throws the error to send. */
export type AsyncHandler = (request: Request, response: Response) => Promise<void>;

/**
 * Processes `slots` uploads at a time; ten times as many wait with their bodies unread, further ones are refused. A slot is
 * held until its upload has been processed, also if the client closes the connection.
 */
function inUploadSlots(slots: number, handle: AsyncHandler): AsyncHandler {
  const queue = new PQueue({ concurrency: slots });
  const maxWaiting = slots * WAITING_PER_SLOT;
  return async (request, response) => {
    if (queue.size >= maxWaiting) {
      throw new PipelineError(
        'overloaded',
        `Too many requests in progress: ${queue.size} uploads are waiting. Retry in a moment.`,
        {
          details: { limit: maxWaiting, seen: queue.size },
        },
      );
    }
    let hasBegun = false;
    const left = new AbortController();
    // A client that closes the connection while waiting leaves the queue.
    response.once('close', () => {
      if (!hasBegun) left.abort();
    });
    const work = async () => {
      hasBegun = true;
      await handle(request, response);
    };
    try {
      // `bound`: the queue calls it in the trace of the upload that freed the slot.
      await queue.add(bound(work), { signal: left.signal });
    } catch (error) {
      if (!left.signal.aborted) throw error;
    }
  };
}
