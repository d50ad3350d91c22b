import { pipeline } from 'node:stream/promises';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { RequestHandler } from 'express';
import type { EstimateJob } from './estimate-job.ts';
import { findImage, type ImageKind } from './find-image.ts';
import { readStatus, type JobSources } from './read-status.ts';
import { isKnownToCaller, setImageHeaders } from './image-headers.ts';
import { jobIdOf } from '../http/job-id.ts';

export interface ImageRouteDeps extends JobSources {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'stat'>;
  readonly estimate: EstimateJob;
}

/** `GET /results/{job_id}` and its like: the bytes of an image that never changes. */
export function imageRoute(kind: Exclude<ImageKind, 'thumbnail'>, deps: ImageRouteDeps): RequestHandler {
  return async (request, response) => {
    const view = await readStatus(jobIdOf(request), deps);
    const image = findImage(kind, view, await deps.estimate(view));
    if (isKnownToCaller(request, image)) {
      setImageHeaders(response, image);
      response.status(304).end();
    } else if (request.method === 'HEAD') {
      const stat = (await deps.store.stat(image.key)) ?? gone(kind);
      setImageHeaders(response, image, stat.size);
      response.end();
    } else {
      const { stat, body } = (await deps.store.get(image.key)) ?? gone(kind);
      setImageHeaders(response, image, stat.size);
      await pipeline(body, response);
    }
  };
}

function gone(kind: ImageKind): never {
  throw new PipelineError('result_gone', `The bytes of this ${kind} have been removed.`);
}
