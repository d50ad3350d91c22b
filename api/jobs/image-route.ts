import { pipeline } from 'node:stream/promises';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { create as contentDisposition } from 'content-disposition';
import type { Request, RequestHandler, Response } from 'express';
import fresh from 'fresh';
import { jobIdOf } from '../http/request.ts';
import { findImage, type ImageKind, type JobImage } from './find-image.ts';
import type { EstimateJob } from './job-estimates.ts';
import { type JobSources, readStatus } from './read-status.ts';

export interface ImageRouteDeps extends JobSources {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'stat'>;
  readonly estimate: EstimateJob;
}

/** `GET /results/{job_id}` and `GET /originals/{job_id}`: an image, which never changes. */
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
  throw new PipelineError('result_gone', `The ${kind} has been removed from the store.`);
}

/** Whether the client has these bytes already, by `If-None-Match`. */
export function isKnownToCaller(request: Request, image: JobImage): boolean {
  return fresh(request.headers, { etag: etagOf(image) });
}

/** @param size of the body in bytes, if there is a body */
export function setImageHeaders(response: Response, image: JobImage, size?: number): void {
  response.setHeader('ETag', etagOf(image));
  response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  response.setHeader('Content-Type', image.contentType);
  response.setHeader('Content-Disposition', contentDisposition(image.fileName, { type: 'inline' }));
  // Opened as a page, the image may only be shown.
  response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  if (size !== undefined) response.setHeader('Content-Length', size);
}

function etagOf({ sha256 }: JobImage): string {
  return `"${sha256}"`;
}
