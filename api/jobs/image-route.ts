import type { StoredImage } from '@image-pipeline/shared/contracts/outcome.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { Turns } from '@image-pipeline/shared/turns.ts';
import { create as contentDisposition } from 'content-disposition';
import type { Request, RequestHandler, Response } from 'express';
import fresh from 'fresh';
import { clientAddress, jobIdOf } from '../http/request.ts';
import type { InSlot } from '../http/slots.ts';
import { renamed } from '../upload/display-name.ts';
import type { JobEstimate } from '@image-pipeline/shared/jobs/job-estimates.ts';
import { type EstimateJob, retryAfterDetails } from './estimate-job.ts';
import { type JobSources, readStatus } from './read-status.ts';
import { type ReadingRate, sendBody } from './send-body.ts';

export type ImageKind = 'result' | 'original' | 'thumbnail';

/** An image of a job: its key in the store, and its headers. */
export interface JobImage {
  readonly key: string;
  readonly contentType: string;
  readonly sha256: string;
  /** bytes */
  readonly size: number;
  /** File name for saving it. */
  readonly fileName: string;
}

/**
 * @param estimate of a job that has not ended
 * @throws PipelineError `not_ready` while the job has not ended, `job_failed` if it failed
 */
export function findImage(kind: ImageKind, view: JobView, estimate?: JobEstimate): JobImage {
  const { job_id, original } = view.request;
  switch (kind) {
    case 'original':
      return {
        key: originalKey(job_id),
        contentType: original.content_type,
        sha256: original.sha256,
        size: original.size,
        // The upload may have had any name, such as page.html.
        fileName: renamed(original.name, '', extensionOf(original.content_type)),
      };
    case 'result':
      return jobImage(completed(view, estimate).result, original.name, '');
    case 'thumbnail':
      return jobImage(completed(view, estimate).thumbnail, original.name, '-thumbnail');
  }
}

/** Without an estimate, a job that a worker is processing may end soon; without workers, nothing is known. */
const PROCESSING_RETRY_AFTER_S = 1;

/** The error for an image of a job that has not ended. */
export function notReady(state: JobView['state'], estimate: JobEstimate | undefined): PipelineError {
  const seconds = estimate?.eta_seconds ?? (state === 'processing' ? PROCESSING_RETRY_AFTER_S : undefined);
  return new PipelineError(
    'not_ready',
    `The job is ${state}. Retry later, or wait with /status/{job_id}?wait=20.`,
    { details: { job_status: state, ...retryAfterDetails(seconds) } },
  );
}

function completed({ state, outcome }: JobView, estimate: JobEstimate | undefined) {
  if (outcome === undefined) {
    throw notReady(state, estimate);
  }
  if (outcome.state === 'failed') {
    throw new PipelineError('job_failed', `The job failed: ${outcome.error.reason}`, {
      details: { error: outcome.error },
    });
  }
  return outcome;
}

function jobImage({ key, content_type, sha256, size }: StoredImage, name: string, suffix: string): JobImage {
  return {
    key,
    contentType: content_type,
    sha256,
    size,
    fileName: renamed(name, suffix, extensionOf(content_type)),
  };
}

function extensionOf(contentType: string): string {
  return contentType.replace('image/', '').replace('jpeg', 'jpg');
}

export interface ImageRouteDeps extends JobSources {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'stat'>;
  readonly estimate: EstimateJob;
  readonly metrics: Pick<Metrics, 'increase'>;
  /** For each response with the bytes of an image. */
  readonly inDownloadSlot: InSlot;
  /** For each chunk of an image. */
  readonly downloadTurns: Pick<Turns, 'next'>;
  readonly downloadRate: ReadingRate;
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
      if (stat.size !== image.size) throw damaged(kind, deps.metrics);
      setImageHeaders(response, image, stat.size);
      response.end();
    } else {
      await deps.inDownloadSlot(request, response, async () => {
        const { stat, body } = (await deps.store.get(image.key)) ?? gone(kind);
        if (stat.size !== image.size) {
          body.destroy();
          throw damaged(kind, deps.metrics);
        }
        await sendBody(body, response, {
          rate: deps.downloadRate,
          turn: () => deps.downloadTurns.next(clientAddress(request)),
          size: stat.size,
          sha256: image.sha256,
          damaged: () => damaged(kind, deps.metrics),
          begin: () => setImageHeaders(response, image, stat.size),
        });
      });
    }
  };
}

/** The error for an image that is not the one that was stored. */
export function damaged(kind: ImageKind, metrics: Pick<Metrics, 'increase'>): PipelineError {
  metrics.increase('image_store_damaged_images_total', { kind });
  return new PipelineError('image_damaged', `The stored ${kind} does not match its record.`);
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
