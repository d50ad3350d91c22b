import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { FairSlots } from '@image-pipeline/shared/fair-slots.ts';
import type { Request, Response } from 'express';
import { clientAddress, clientGone } from './request.ts';

export interface SlotsOptions {
  /** What takes a slot, in the plural, for messages. */
  readonly what: string;
  readonly slots: number;
  /** How long a request may wait for a slot, in milliseconds. */
  readonly waitMs: number;
}

/** Runs `work` once the request has a slot. @throws PipelineError `overloaded`; the errors of `work` */
export type InSlot = (request: Request, response: Response, work: () => Promise<void>) => Promise<void>;

const WAITING_PER_SLOT = 10;
const MIN_RETRY_AFTER = 2;

/**
 * Slots for requests that take long: `slots` at a time; ten times as many wait, further ones are refused. An address has
 * at most half of the slots, and waiting addresses get free slots in turn. A slot is held until `work` ends; a request
 * whose client disconnects while it waits does not get one.
 */
export function createSlots({ what, slots, waitMs }: SlotsOptions): InSlot {
  const maxWaiting = slots * WAITING_PER_SLOT;
  const line = new FairSlots<string>({ slots, perCaller: Math.ceil(slots / 2), maxWaiting });
  return async (request, response, work) => {
    const slot = await line.acquire(clientAddress(request), clientGone(response), waitMs);
    switch (slot) {
      case 'left':
        return;
      case 'line_full':
        throw overloaded(
          `${line.waiting} ${what} are waiting, which is the maximum`,
          Math.max(line.longestWaitMs, waitMs - line.longestWaitMs),
          { limit: maxWaiting, seen: line.waiting },
        );
      case 'waited_too_long':
        throw overloaded(`no slot for ${what} became free within ${waitMs / 1_000} s`, waitMs);
    }
    try {
      await work();
    } finally {
      slot();
    }
  };
}

/** @param waitMs how long requests wait at present: all requests that wait now have left the queue by then */
function overloaded(
  why: string,
  waitMs: number,
  details: Readonly<Record<string, number>> = {},
): PipelineError {
  return new PipelineError('overloaded', `Too many requests in progress: ${why}. Retry later.`, {
    details: { ...details, retry_after_seconds: Math.max(MIN_RETRY_AFTER, Math.ceil(waitMs / 1_000)) },
  });
}
