import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { FairSlots } from '@image-pipeline/shared/fair-slots.ts';
import type { Request, RequestHandler, Response } from 'express';
import { limitRate, refuseWhileUnavailable } from '../http/guards.ts';
import { clientAddress, clientGone } from '../http/request.ts';

export interface UploadGuardOptions {
  /** 0: no limit. */
  readonly ratePerMinute: number;
  readonly slots: number;
  /** How long an upload may wait for a slot, in milliseconds. */
  readonly waitMs: number;
  /** Why no job can be accepted right now, or undefined. */
  readonly whyUnavailable: () => PipelineError | undefined;
}

/** The guards of an upload, which run before its body is read, and then its handler. */
export function guardUpload(handle: AsyncHandler, options: UploadGuardOptions): RequestHandler[] {
  const { ratePerMinute, whyUnavailable } = options;
  return [
    ...(ratePerMinute === 0 ? [] : [limitRate(ratePerMinute)]),
    refuseWhileUnavailable(whyUnavailable),
    inUploadSlots(handle, options),
  ];
}

const WAITING_PER_SLOT = 10;
const MIN_RETRY_AFTER = 2;

/** Sends a response, or throws the error to send. */
export type AsyncHandler = (request: Request, response: Response) => Promise<void>;

/**
 * Processes `slots` uploads at a time; ten times as many wait with their bodies unread, further ones are refused. An address
 * has at most half of the slots, and waiting addresses get free slots in turn. A slot is held until the response is
 * decided, also if the client has closed the connection.
 */
function inUploadSlots(
  handle: AsyncHandler,
  { slots, waitMs }: Pick<UploadGuardOptions, 'slots' | 'waitMs'>,
): AsyncHandler {
  const maxWaiting = slots * WAITING_PER_SLOT;
  const line = new FairSlots<string>({ slots, perCaller: Math.ceil(slots / 2), maxWaiting });
  return async (request, response) => {
    const slot = await line.acquire(clientAddress(request), clientGone(response), waitMs);
    switch (slot) {
      case 'left':
        return;
      case 'line_full':
        throw overloaded(
          `${line.waiting} uploads are waiting, which is the maximum`,
          Math.max(line.longestWaitMs, waitMs - line.longestWaitMs),
          {
            limit: maxWaiting,
            seen: line.waiting,
          },
        );
      case 'waited_too_long':
        throw overloaded(`no upload slot became free within ${waitMs / 1_000} s`, waitMs);
    }
    try {
      await handle(request, response);
    } finally {
      slot();
    }
  };
}

/** @param waitMs how long uploads wait at present: those that wait now have left the line after that time */
function overloaded(
  why: string,
  waitMs: number,
  details: Readonly<Record<string, number>> = {},
): PipelineError {
  return new PipelineError(
    'overloaded',
    `Too many requests in progress: ${why}. Nothing was stored; retry later.`,
    {
      details: { ...details, retry_after_seconds: Math.max(MIN_RETRY_AFTER, Math.ceil(waitMs / 1_000)) },
    },
  );
}
