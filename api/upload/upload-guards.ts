import type { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { limitRate } from '../http/limit-rate.ts';
import { inUploadSlots, type Handle } from './upload-slots.ts';

export interface UploadGuardOptions {
  /** 0: any number. */
  readonly ratePerMinute: number;
  readonly slots: number;
  /** Why no job can be accepted right now, or undefined. */
  readonly refuseBecause: () => PipelineError | undefined;
}

/** Handles an upload that has passed what it must pass before a byte of its body is read. */
export function guardUpload(handle: Handle, options: UploadGuardOptions): RequestHandler[] {
  const { ratePerMinute, slots, refuseBecause } = options;
  return [
    ...(ratePerMinute === 0 ? [] : [limitRate(ratePerMinute)]),
    refuseWhile(refuseBecause),
    inUploadSlots(slots, handle),
  ];
}

function refuseWhile(refuseBecause: () => PipelineError | undefined): RequestHandler {
  return (_request, _response, next) => {
    next(refuseBecause());
  };
}
