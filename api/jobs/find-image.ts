import type { StoredImage } from '@image-pipeline/shared/contracts/outcome.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import { renamed } from '../upload/display-name.ts';
import { type JobEstimate, retryAfterDetails } from './job-estimates.ts';

export type ImageKind = 'result' | 'original' | 'thumbnail';

/** An image of a job: its key in the store, and its headers. */
export interface JobImage {
  readonly key: string;
  readonly contentType: string;
  readonly sha256: string;
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
        fileName: original.name,
      };
    case 'result':
      return jobImage(completed(view, estimate).result, original.name, '');
    case 'thumbnail':
      return jobImage(completed(view, estimate).thumbnail, original.name, '-thumbnail');
  }
}

/** The error for an image of a job that has not ended. */
export function notReady(state: JobView['state'], estimate: JobEstimate | undefined): PipelineError {
  return new PipelineError(
    'not_ready',
    `The job is ${state}. Retry later, or wait with /status/{job_id}?wait=20.`,
    { details: { job_status: state, ...retryAfterDetails(estimate?.eta_seconds) } },
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

function jobImage({ key, content_type, sha256 }: StoredImage, name: string, suffix: string): JobImage {
  const extension = content_type.replace('image/', '').replace('jpeg', 'jpg');
  return { key, contentType: content_type, sha256, fileName: renamed(name, suffix, extension) };
}
