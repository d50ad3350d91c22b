import { createHash } from 'node:crypto';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { readBytes } from '@image-pipeline/shared/store/read-object.ts';
import { LRUCache } from 'lru-cache';
import type { ApiConfig, ApiLimits } from '../config.ts';
import { hasEnded } from '../jobs/followed-jobs.ts';
import { damaged, findImage, type JobImage, notReady } from '../jobs/image-route.ts';
import type { EstimateJob } from '../jobs/estimate-job.ts';
import { isPastRetention, type JobSources, readStatus } from '../jobs/read-status.ts';
import { SharedReads } from './shared-reads.ts';

/** Far above a JPEG of 256 × 256 px; no thumbnail is larger. */
const MAX_THUMBNAIL_BYTES = 1024 * 1024;
/** Overhead of a cached thumbnail, which also bounds their number. */
const ENTRY_OVERHEAD_BYTES = 1024;

const MAX_CACHE_BYTES = 32 * 1024 * 1024;

export interface Thumbnail {
  readonly image: JobImage;
  readonly bytes: Buffer;
}

export interface ThumbnailsOptions {
  readonly sources: JobSources;
  readonly estimate: EstimateJob;
  /** The queue in front of the store, for the bytes of thumbnails. */
  readonly queue: RequestQueue;
  /** The same for the records of jobs. */
  readonly lookUps: RequestQueue;
  /** How long one is cached, in seconds. */
  readonly ttl: number;
  /** Maximum size of the cache, in bytes. */
  readonly maxBytes: number;
  /** Timeout of a request including its waits in the queues, in milliseconds. */
  readonly timeoutMs: number;
  readonly metrics: Pick<Metrics, 'increase'>;
}

interface CreateThumbnailsOptions extends Pick<ThumbnailsOptions, 'sources' | 'estimate'> {
  readonly config: Pick<ApiConfig, 'UPSTREAM_MAX_CONCURRENT' | 'UPSTREAM_MIN_INTERVAL'>;
  readonly limits: Pick<ApiLimits, 'thumbnailTtlSeconds' | 'thumbnailTimeoutMs'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Thumbnails with the two queues in front of the store. */
export function createThumbnails({ config, limits, log, ...deps }: CreateThumbnailsOptions) {
  const { UPSTREAM_MAX_CONCURRENT: maxConcurrent, UPSTREAM_MIN_INTERVAL: minInterval } = config;
  const report = { name: 'thumbnails', metrics: deps.metrics, log } as const;
  const thumbnailQueue = new RequestQueue({ maxConcurrent, minInterval, report });
  const thumbnails = new Thumbnails({
    ...deps,
    queue: thumbnailQueue,
    lookUps: new RequestQueue({ maxConcurrent, minInterval: 0 }),
    ttl: limits.thumbnailTtlSeconds,
    maxBytes: MAX_CACHE_BYTES,
    timeoutMs: limits.thumbnailTimeoutMs,
  });
  return { thumbnails, thumbnailQueue };
}

/**
 * Thumbnails of jobs, from memory or, queued, from the store. A job that is not in the event log, or whose end is not
 * confirmed, is looked up first, in a queue of its own: only what exists waits for the slower queue of the images.
 */
export class Thumbnails {
  readonly #sources: JobSources;
  readonly #estimate: EstimateJob;
  readonly #ttl: number;
  readonly #metrics: Pick<Metrics, 'increase'>;
  /** By job id. A thumbnail never changes. */
  readonly #cached: LRUCache<string, Thumbnail>;
  readonly #reads: SharedReads<Thumbnail>;
  readonly #lookUps: SharedReads<JobImage>;
  readonly #timeoutMs: number;

  constructor(options: ThumbnailsOptions) {
    const { sources, estimate, queue, lookUps, ttl, maxBytes, timeoutMs, metrics } = options;
    this.#sources = sources;
    this.#estimate = estimate;
    this.#ttl = ttl;
    this.#metrics = metrics;
    this.#cached = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes.length + ENTRY_OVERHEAD_BYTES,
      ttl: ttl * 1_000,
    });
    this.#reads = new SharedReads(queue);
    this.#lookUps = new SharedReads(lookUps);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The image of a thumbnail without reading the store; undefined if that is not possible.
   * @throws PipelineError `job_failed`
   */
  known(jobId: string): JobImage | undefined {
    const id = jobId.toLowerCase();
    const cached = this.#cached.get(id);
    if (cached !== undefined) return cached.image;
    const { followed, retentionMs } = this.#sources;
    const live = followed.get(id);
    if (live === undefined || !hasEnded(live) || !followed.isStored(live)) return undefined;
    if (isPastRetention(live, retentionMs)) return undefined;
    return findImage('thumbnail', live);
  }

  /**
   * @param caller the client's address, which shares the queues with others
   * @param signal aborts when the client is gone
   * @throws PipelineError `job_not_found`, `not_ready`, `job_failed`, `result_gone`, `overloaded`; StoreUnavailable, and
   * what the signal aborted with
   */
  async get(jobId: string, caller: string, signal: AbortSignal): Promise<Thumbnail> {
    const id = jobId.toLowerCase();
    const cached = this.#cached.get(id);
    if (cached !== undefined) return cached;
    const live = this.#sources.followed.get(id);
    // A job of this replica that has not ended needs no read of the store.
    if (live !== undefined && !hasEnded(live) && this.#sources.followed.isStoredRun(live))
      throw notReady(live.state, await this.#estimate(live));
    const deadline = performance.now() + this.#timeoutMs;
    const shared = () => ({ caller, signal, timeoutMs: deadline - performance.now() });
    const image =
      this.known(id) ?? (await this.#lookUps.join(id, { read: () => this.#lookUp(id), ...shared() }));
    return this.#reads.join(id, { read: () => this.#read(id, image), ...shared() });
  }

  /** Number of cached thumbnails, and how many seconds each is cached. */
  getStats(): { readonly thumbnail_count: number; readonly thumbnail_ttl: number } {
    this.#cached.purgeStale();
    return { thumbnail_count: this.#cached.size, thumbnail_ttl: this.#ttl };
  }

  async #lookUp(id: string): Promise<JobImage> {
    return findImage('thumbnail', await readStatus(id, this.#sources));
  }

  async #read(id: string, image: JobImage): Promise<Thumbnail> {
    const bytes = await readBytes(this.#sources.store, image.key, MAX_THUMBNAIL_BYTES);
    if (bytes === undefined) {
      throw new PipelineError('result_gone', 'The thumbnail has been removed from the store.');
    }
    if (createHash('sha256').update(bytes).digest('hex') !== image.sha256) {
      throw damaged('thumbnail', this.#metrics);
    }
    const thumbnail = { image, bytes };
    this.#cached.set(id, thumbnail);
    return thumbnail;
  }
}
