import type { JobRequest } from '../contracts/job.ts';
import type { Outcome } from '../contracts/outcome.ts';

/** Fewer are too few for a range. */
const MIN_JOBS = 5;
/** Enough for percentiles, few enough to follow changes. */
const NEWEST = 50;
/** Bounds the memory for jobs whose end events are lost. */
const MAX_OPEN = 10_000;
/** Jobs submitted earlier are read from the log: their estimate was made then, with other data. In milliseconds. */
const MAX_AGE_MS = 5_000;
/** Shorter estimates are mostly noise, in seconds. */
const MIN_ESTIMATE_S = 0.2;
const LOW = 0.1;
const HIGH = 0.9;

/** By which factors the time until the end of a job differed from its estimate, for the newest jobs. */
export class EstimateErrors {
  readonly #now: () => number;
  readonly #open = new Map<string, { readonly at: number; readonly seconds: number }>();
  readonly #newest: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A job was accepted, and this is the estimate of its time until the end, in seconds. */
  estimated({ job_id, submitted_at }: JobRequest, seconds: number | null | undefined): void {
    const at = this.#now();
    const isOld = at - Date.parse(submitted_at) > MAX_AGE_MS;
    if (seconds === null || seconds === undefined || seconds < MIN_ESTIMATE_S || isOld) return;
    this.#open.set(job_id, { at, seconds });
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
  }

  ended({ job_id, finished_at }: Outcome): void {
    const estimate = this.#open.get(job_id);
    this.#open.delete(job_id);
    if (estimate === undefined) return;
    const took = Math.max(0, Date.parse(finished_at) - estimate.at) / 1_000;
    this.#newest.push(took / estimate.seconds);
    if (this.#newest.length > NEWEST) this.#newest.shift();
  }

  clear(): void {
    this.#open.clear();
    this.#newest.length = 0;
  }

  /** The 10th and the 90th percentile of actual ÷ estimated time; undefined while too few jobs have ended. */
  get factors(): { readonly low: number; readonly high: number } | undefined {
    if (this.#newest.length < MIN_JOBS) return undefined;
    const sorted = this.#newest.toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 1;
    return { low: at(LOW), high: at(HIGH) };
  }
}
