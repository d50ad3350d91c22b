import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import {
  attemptOfPlace,
  isSlowJob,
  jobStateAfter,
  placeInRun,
  timelineEntryOf,
} from '@image-pipeline/shared/contracts/job-order.ts';
import type { TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { z } from 'zod';

/** A run that was accepted and has not ended. Times in milliseconds since 1970. */
export const openRunSchema = z.object({
  job_id: z.string(),
  run: z.int().min(1),
  /** Of its first event. */
  offset: z.int().min(0),
  state: z.enum(['queued', 'processing', 'retrying']),
  /** Place of its newest event in the order of a run; see `placeInRun`. */
  place: z.number().min(0),
  /** Since when it has been in this state. */
  since: z.number(),
  worker: z.string().optional(),
  /** When the retry is due. */
  retry_at: z.number().optional(),
  /** An earlier attempt has shown that it belongs in the queue for slow images. */
  isSlow: z.literal(true).optional(),
  /** The trace of its newest event. */
  traceparent: z.string().optional(),
});
export type OpenRun = Readonly<z.output<typeof openRunSchema>>;

/** The current attempt of a run, or the one that failed last. */
export const attemptOf = ({ place }: OpenRun): number => attemptOfPlace(place);

/** An ended attempt that was not a slow one: it occupied a slot of this worker in between. */
export interface Attempt {
  readonly worker: string;
  readonly from: number;
  readonly to: number;
}

/** How an event arrived. */
export interface Received {
  /** Milliseconds since 1970. A later time in the event comes from a clock that is ahead. */
  readonly receivedAt: number;
  /** The trace of the event. */
  readonly traceparent?: string | undefined;
}

/** What an event changed. */
export interface RunChange {
  /** It was the first event of the run. */
  readonly accepted: boolean;
  readonly retried: boolean;
  readonly redelivered: boolean;
  readonly ended: Outcome | undefined;
  readonly attempt: Attempt | undefined;
}

/**
 * Every open run, from events. Events are ordered by run and `placeInRun`, never by arrival: a late or duplicate event changes
 * nothing, and a run that has ended stays ended as long as it is remembered.
 */
export class RunTracker {
  /** In the order of their first events. */
  readonly #open = new Map<string, OpenRun>();
  /** The most recently ended runs, oldest first. */
  readonly #ended = new Set<string>();
  readonly #maxEnded: number;
  readonly #counts = { queued: 0, processing: 0, retrying: 0 };
  #startedFrom = -Infinity;

  /** @param open runs that are open before the first event is read */
  constructor(maxEnded: number, open: readonly OpenRun[] = []) {
    this.#maxEnded = maxEnded;
    for (const run of open) {
      this.#open.set(`${run.job_id}/${run.run}`, run);
      this.#counts[run.state]++;
    }
  }

  /** Open runs by state. A run whose retry is due counts as retrying until it starts. */
  get counts(): Readonly<Record<OpenRun['state'], number>> {
    return this.#counts;
  }

  /**
   * The latest time at which a run entered the job queue that has been started since, in milliseconds since 1970. Runs are
   * started in the order in which they enter it, so one that entered it long before is not in it any more. Those in the queue
   * for slow images do not count.
   */
  get startedFrom(): number {
    return this.#startedFrom;
  }

  /** @param offset of the event in the log */
  apply(
    event: JobEvent,
    offset: number,
    received: Received = { receivedAt: Date.now() },
  ): RunChange | undefined {
    const key = `${event.data.job_id}/${event.data.run}`;
    if (this.#ended.has(key)) return undefined;
    const before = this.#open.get(key);
    const accepted = before === undefined;
    if (event.type === 'job.completed' || event.type === 'job.failed') {
      const { outcome } = event.data;
      this.#end(key, before);
      const attempt = before?.isSlow === true ? undefined : lastAttempt(outcome, received.receivedAt);
      return { accepted, retried: false, redelivered: false, ended: outcome, attempt };
    }
    const after = runAfter(before, event, offset, received);
    if (after === before) return undefined;
    const hasWaited = before !== undefined && before.state !== 'processing' && before.isSlow !== true;
    const redelivered = event.type === 'job.redelivered';
    if (hasWaited && event.type === 'job.started' && event.data.redelivered !== true) {
      this.#startedFrom = Math.max(this.#startedFrom, enteredQueueAt(before));
    }
    this.#open.set(key, after);
    if (before !== undefined) this.#counts[before.state]--;
    this.#counts[after.state]++;
    const retried = event.type === 'job.retrying';
    const wasBusy =
      retried && before?.state === 'processing' && before.worker !== undefined && before.isSlow !== true;
    const attempt = wasBusy ? { worker: before.worker, from: before.since, to: after.since } : undefined;
    return { accepted, retried, redelivered, ended: undefined, attempt };
  }

  get open(): Iterable<OpenRun> {
    return this.#open.values();
  }

  get size(): number {
    return this.#open.size;
  }

  /** The oldest runs, at most `count`. Reading the log from offset `from` finds all others. */
  oldest(count: number): { readonly runs: readonly OpenRun[]; readonly from: number | undefined } {
    const runs: OpenRun[] = [];
    for (const run of this.#open.values()) {
      if (runs.length === count) return { runs, from: run.offset };
      runs.push(run);
    }
    return { runs, from: undefined };
  }

  #end(key: string, before: OpenRun | undefined): void {
    if (before !== undefined) this.#counts[before.state]--;
    this.#open.delete(key);
    this.#ended.add(key);
    if (this.#ended.size <= this.#maxEnded) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }
}

/** When the run entered the job queue, or will enter it after its retry delay. */
export function enteredQueueAt({ since, retry_at }: OpenRun): number {
  return retry_at ?? since;
}

/** The same object if the event is not newer. */
function runAfter(
  before: OpenRun | undefined,
  event: Exclude<JobEvent, { type: 'job.completed' | 'job.failed' }>,
  offset: number,
  { receivedAt, traceparent }: Received,
): OpenRun {
  const entry = timelineEntryOf(event);
  const place = placeInRun(entry);
  const state = openState(entry);
  const worker = state === 'processing' ? entry.worker : undefined;
  const isNewer = before === undefined || place > before.place;
  const since = Math.min(Date.parse(event.time), receivedAt);
  // RabbitMQ redelivered the job with the same number, possibly to a new worker of the same name.
  const isAnother = before !== undefined && (worker !== before.worker || since > before.since);
  const isRedelivery = before?.place === place && worker !== undefined && isAnother;
  if (!isNewer && !isRedelivery) return before;
  return {
    job_id: event.data.job_id,
    run: event.data.run,
    offset: before?.offset ?? offset,
    state,
    place,
    since,
    worker,
    retry_at: entry.retry_at === undefined ? undefined : Date.parse(entry.retry_at),
    ...((before?.isSlow === true || isSlowJob([entry])) && { isSlow: true }),
    traceparent,
  };
}

function openState(entry: TimelineEntry): OpenRun['state'] {
  const state = jobStateAfter(entry.state);
  return state === 'queued' || state === 'retrying' ? state : 'processing';
}

/** From the timeline, because the start event may arrive later. */
function lastAttempt({ timeline, worker, finished_at }: Outcome, receivedAt: number): Attempt | undefined {
  const start = timeline.findLast((hop) => hop.state === 'processing' && hop.worker === worker);
  const past = (time: string) => Math.min(Date.parse(time), receivedAt);
  return start && { worker, from: past(start.at), to: past(finished_at) };
}
