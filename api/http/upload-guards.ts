import type { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { limitRate } from './limit-rate.ts';
import { limitUploads } from './upload-slots.ts';

export interface UploadGuardOptions {
  /** 0: any number. */
  readonly ratePerMinute: number;
  readonly slots: number;
  /** Why no job can be accepted right now, or undefined. */
  readonly refuseBecause: () => PipelineError | undefined;
}

/** What an upload must pass before a byte of its body is read. */
export function uploadGuards({ ratePerMinute, slots, refuseBecause }: UploadGuardOptions): RequestHandler[] {
  return [
    ...(ratePerMinute === 0 ? [] : [limitRate(ratePerMinute)]),
    refuseWhile(refuseBecause),
    limitUploads(slots),
  ];
}

function refuseWhile(refuseBecause: () => PipelineError | undefined): RequestHandler {
  return (_request, _response, next) => {
    next(refuseBecause());
  };
}
