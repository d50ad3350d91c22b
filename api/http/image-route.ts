import { pipeline } from 'node:stream/promises';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { create as contentDisposition } from 'content-disposition';
import type { RequestHandler, Response } from 'express';
import fresh from 'fresh';
import { findImage, type ImageKind, type JobImage } from '../find-image.ts';
import { readStatus, type JobSources } from '../read-status.ts';
import { jobIdOf } from './job-id.ts';

export interface ImageRouteDeps extends JobSources {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'stat'>;
}

/** `GET /results/{job_id}` and its like: the bytes of an image that never changes. */
export function imageRoute(kind: ImageKind, deps: ImageRouteDeps): RequestHandler {
  return async (request, response) => {
    const image = findImage(kind, await readStatus(jobIdOf(request), deps));
    if (fresh(request.headers, { etag: etagOf(image) })) {
      setHeaders(response, image);
      response.status(304).end();
    } else if (request.method === 'HEAD') {
      const stat = (await deps.store.stat(image.key)) ?? gone(kind);
      setHeaders(response, image, stat.size);
      response.end();
    } else {
      const { stat, body } = (await deps.store.get(image.key)) ?? gone(kind);
      setHeaders(response, image, stat.size);
      await pipeline(body, response);
    }
  };
}

function setHeaders(response: Response, image: JobImage, size?: number): void {
  response.setHeader('ETag', etagOf(image));
  response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  response.setHeader('Content-Type', image.contentType);
  response.setHeader('Content-Disposition', contentDisposition(image.fileName, { type: 'inline' }));
  // Opened by itself, the image may be shown and nothing else.
  response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  if (size !== undefined) response.setHeader('Content-Length', size);
}

function etagOf({ sha256 }: JobImage): string {
  return `"${sha256}"`;
}

function gone(kind: ImageKind): never {
  throw new PipelineError('result_gone', `The bytes of this ${kind} have been removed.`);
}
