import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { readBytes } from '@image-pipeline/shared/store/read-object.ts';
import { LRUCache } from 'lru-cache';
import type { EstimateJob } from '../jobs/job-estimates.ts';
import { findImage, notReady, type JobImage } from '../jobs/find-image.ts';
import { hasEnded } from '../jobs/followed-jobs.ts';
import { readStatus, type JobSources } from '../jobs/read-status.ts';
import { SharedReads } from './shared-reads.ts';

/** Far above a JPEG of 256 × 256 px; a larger object is none of ours. */
const MAX_THUMBNAIL_BYTES = 1024 * 1024;
/** What a thumbnail takes beside its bytes, so that the number of them is bounded, too. */
const ENTRY_OVERHEAD_BYTES = 1024;

export interface Thumbnail {
  readonly image: JobImage;
  readonly bytes: Buffer;
}

export interface ThumbnailsOptions {
  readonly sources: JobSources;
  readonly estimate: EstimateJob;
  /** The line before the store. */
  readonly queue: RequestQueue;
  /** How long one is kept, in seconds. */
  readonly ttl: number;
  /** What all that are kept may take. */
  readonly maxBytes: number;
  /** How long one may take, waiting in line included, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Thumbnails of jobs, from memory or, in line, from the store. All that is read for one takes one turn, one call after the
 * other: its bytes and, of a job that the event log no longer remembers, the records of the job.
 */
export class Thumbnails {
  readonly #sources: JobSources;
  readonly #estimate: EstimateJob;
  readonly #ttl: number;
  /** By job id; what a job that has completed looks like never changes. */
  readonly #cached: LRUCache<string, Thumbnail>;
  readonly #reads: SharedReads<Thumbnail>;

  constructor({ sources, estimate, queue, ttl, maxBytes, timeoutMs }: ThumbnailsOptions) {
    this.#sources = sources;
    this.#estimate = estimate;
    this.#ttl = ttl;
    this.#cached = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes.length + ENTRY_OVERHEAD_BYTES,
      ttl: ttl * 1_000,
    });
    this.#reads = new SharedReads({ queue, timeoutMs, read: (jobId) => this.#read(jobId) });
  }

  /**
   * What is known of a thumbnail without asking the store; undefined where that is nothing.
   * @throws PipelineError `job_failed`
   */
  known(jobId: string): JobImage | undefined {
    const id = jobId.toLowerCase();
    const cached = this.#cached.get(id);
    if (cached !== undefined) return cached.image;
    const live = this.#sources.followed.get(id);
    return live !== undefined && hasEnded(live) ? findImage('thumbnail', live) : undefined;
  }

  /**
   * @param signal aborts when the asker is gone
   * @throws PipelineError `job_not_found`, `not_ready`, `job_failed`, `result_gone`, `overloaded`; StoreUnavailable, and
   * what the signal aborted with
   */
  async get(jobId: string, signal: AbortSignal): Promise<Thumbnail> {
    const id = jobId.toLowerCase();
    const cached = this.#cached.get(id);
    if (cached !== undefined) return cached;
    const live = this.#sources.followed.get(id);
    // Those who wait for the end of a job are told so without the store, whatever it is doing.
    if (live !== undefined && !hasEnded(live)) throw notReady(live.state, await this.#estimate(live));
    return this.#reads.join(id, signal);
  }

  /** As `reference/2` names them: how many are kept, and for how many seconds each. */
  getStats(): { readonly thumbnail_count: number; readonly thumbnail_ttl: number } {
    this.#cached.purgeStale();
    return { thumbnail_count: this.#cached.size, thumbnail_ttl: this.#ttl };
  }

  async #read(id: string): Promise<Thumbnail> {
    const image = this.known(id) ?? findImage('thumbnail', await readStatus(id, this.#sources));
    const bytes = await readBytes(this.#sources.store, image.key, MAX_THUMBNAIL_BYTES);
    if (bytes === undefined) {
      throw new PipelineError('result_gone', 'The bytes of this thumbnail have been removed.');
    }
    const thumbnail = { image, bytes };
    this.#cached.set(id, thumbnail);
    return thumbnail;
  }
}
