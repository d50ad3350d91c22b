import { originalUrl } from '../api.ts';
import type { Job } from './jobs.ts';

/** Pictures of this page's own uploads, which need no request. */
const own = new Map<string, string>();
const KEPT = 200;
/** Larger originals are not loaded to be shown small. */
const MAX_BYTES = 1_000_000;

export function keepPicture(jobId: string, file: File): void {
  own.set(jobId, URL.createObjectURL(file));
  const [oldest] = own;
  if (own.size <= KEPT || oldest === undefined) return;
  URL.revokeObjectURL(oldest[1]);
  own.delete(oldest[0]);
}

/** The address of a small picture of a job; undefined if there is none to load. */
export function pictureOf(job: Job): string | undefined {
  const kept = own.get(job.id);
  if (kept !== undefined) return kept;
  if (job.state === 'completed') return `/thumbnail/${job.id}`;
  return job.size !== undefined && job.size <= MAX_BYTES ? originalUrl(job.id) : undefined;
}
