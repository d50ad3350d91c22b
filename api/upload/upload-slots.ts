import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import type { Request, RequestHandler, Response } from 'express';
import PQueue from 'p-queue';
import { limitRate, refuseWhileUnavailable } from '../http/guards.ts';

export interface UploadGuardOptions {
  /** 0: any number. */
  readonly ratePerMinute: number;
  readonly slots: number;
  /** Why no job can be accepted right now, or undefined. */
  readonly whyUnavailable: () => PipelineError | undefined;
}

/** Handles an upload that has passed what it must pass before a byte of its body is read. */
export function guardUpload(handle: AsyncHandler, options: UploadGuardOptions): RequestHandler[] {
  const { ratePerMinute, slots, whyUnavailable } = options;
  return [
    ...(ratePerMinute === 0 ? [] : [limitRate(ratePerMinute)]),
    refuseWhileUnavailable(whyUnavailable),
    inUploadSlots(slots, handle),
  ];
}

const WAITING_PER_SLOT = 10;

/** Answers a request, or throws what is to be answered. */
export type AsyncHandler = (request: Request, response: Response) => Promise<void>;

/**
 * Handles `slots` uploads at once; ten times as many wait with their bodies unread, further ones are refused. A slot is
 * held until its upload has been dealt with, also where the client has hung up meanwhile.
 */
function inUploadSlots(slots: number, handle: AsyncHandler): AsyncHandler {
  const queue = new PQueue({ concurrency: slots });
  const maxWaiting = slots * WAITING_PER_SLOT;
  return async (request, response) => {
    if (queue.size >= maxWaiting) {
      throw new PipelineError('overloaded', `${queue.size} uploads are waiting for their turn already.`, {
        details: { limit: maxWaiting, seen: queue.size },
      });
    }
    let hasBegun = false;
    const left = new AbortController();
    // Whoever hangs up while waiting leaves the line: its place is not held, and nobody is told.
    response.once('close', () => {
      if (!hasBegun) left.abort();
    });
    const work = async () => {
      hasBegun = true;
      await handle(request, response);
    };
    try {
      // The line calls it as a part of whatever has just made room.
      await queue.add(bound(work), { signal: left.signal });
    } catch (error) {
      if (!left.signal.aborted) throw error;
    }
  };
}
