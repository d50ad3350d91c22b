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
  /** The same, of the length of the queue. */
  readonly queueFullBecause: () => Promise<PipelineError | undefined>;
}

/** What an upload must pass before a byte of its body is read. */
export function uploadGuards(options: UploadGuardOptions): RequestHandler[] {
  const { ratePerMinute, slots, refuseBecause, queueFullBecause } = options;
  return [
    ...(ratePerMinute === 0 ? [] : [limitRate(ratePerMinute)]),
    refuseWhile(refuseBecause),
    limitUploads(slots),
    refuseWhile(queueFullBecause),
  ];
}

function refuseWhile(
  refuseBecause: () => Promise<PipelineError | undefined> | PipelineError | undefined,
): RequestHandler {
  return async (_request, _response, next) => {
    next(await refuseBecause());
  };
}
