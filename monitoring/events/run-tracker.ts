import { jobEventStates, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** A run that was accepted and has not ended. Times in milliseconds since 1970. */
export interface OpenRun {
  /** Of the first event that was heard of it. */
  readonly offset: number;
  readonly state: 'queued' | 'processing' | 'retrying';
  /** Where its newest event stands in the order of a run's life. */
  readonly place: number;
  /** Since when it has been in this state. */
  readonly since: number;
  readonly worker: string | undefined;
  /** When a retrying run is back in the queue of jobs. */
  readonly retryAt: number | undefined;
}

/** An attempt that is over: a slot of this worker was busy in between. */
export interface Attempt {
  readonly worker: string;
  readonly from: number;
  readonly to: number;
}

/** What an event changed. */
export interface RunChange {
  /** The run was not heard of before. */
  readonly accepted: boolean;
  readonly retried: boolean;
  readonly ended: Outcome | undefined;
  readonly attempt: Attempt | undefined;
}

/**
 * Every open run, by events. A run is ordered by (attempt, rank), never by arrival: an event that comes late or twice
 * changes nothing, and a run that has ended stays so for as long as it is remembered.
 */
export class RunTracker {
  /** In the order in which they were first heard of. */
  readonly #open = new Map<string, OpenRun>();
  /** The newest that ended, oldest first. */
  readonly #ended = new Set<string>();
  readonly #endsRemembered: number;
  readonly #counts = { queued: 0, processing: 0, retrying: 0 };

  constructor(endsRemembered: number) {
    this.#endsRemembered = endsRemembered;
  }

  /** How many are in which state. A run whose retry is due counts as retrying until it is started. */
  get counts(): Readonly<Record<OpenRun['state'], number>> {
    return this.#counts;
  }

  /** @param offset of the event in the log */
  apply(event: JobEvent, offset: number): RunChange | undefined {
    const key = `${event.data.job_id}/${event.data.run}`;
    if (this.#ended.has(key)) return undefined;
    const before = this.#open.get(key);
    const accepted = before === undefined;
    if (event.type === 'job.completed' || event.type === 'job.failed') {
      const { outcome } = event.data;
      this.#end(key, before);
      return { accepted, retried: false, ended: outcome, attempt: lastAttempt(outcome) };
    }
    const after = runAfter(before, event, offset);
    if (after === before) return undefined;
    this.#open.set(key, after);
    if (before !== undefined) this.#counts[before.state]--;
    this.#counts[after.state]++;
    const retried = event.type === 'job.retrying';
    const wasBusy = retried && before?.state === 'processing' && before.worker !== undefined;
    const attempt = wasBusy ? { worker: before.worker, from: before.since, to: after.since } : undefined;
    return { accepted, retried, ended: undefined, attempt };
  }

  get open(): Iterable<OpenRun> {
    return this.#open.values();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whoever reads the log from here on meets every open run. */
  get firstOffset(): number | undefined {
    return this.#open.values().next().value?.offset;
  }

  #end(key: string, before: OpenRun | undefined): void {
    if (before !== undefined) this.#counts[before.state]--;
    this.#open.delete(key);
    this.#ended.add(key);
    if (this.#ended.size <= this.#endsRemembered) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }
}

/** The same object where the event says nothing new. */
function runAfter(
  before: OpenRun | undefined,
  event: Exclude<JobEvent, { type: 'job.completed' | 'job.failed' }>,
  offset: number,
): OpenRun {
  const place = event.data.attempt * 8 + jobEventStates[event.type].rank;
  const worker = event.type === 'job.started' ? event.data.worker : undefined;
  const isNews = before === undefined || place > before.place;
  // The broker gave the job to another worker, because the first one died.
  const isRedelivery = before?.place === place && worker !== undefined && worker !== before.worker;
  if (!isNews && !isRedelivery) return before;
  return {
    offset: before?.offset ?? offset,
    state: stateAfter(event.type),
    place,
    since: Date.parse(event.time),
    worker,
    retryAt: event.type === 'job.retrying' ? Date.parse(event.data.retry_at) : undefined,
  };
}

function stateAfter(type: 'job.queued' | 'job.started' | 'job.retrying'): OpenRun['state'] {
  if (type === 'job.queued') return 'queued';
  return type === 'job.started' ? 'processing' : 'retrying';
}

/** From the timeline, because the event of its start may come later. */
function lastAttempt({ timeline, worker, finished_at }: Outcome): Attempt | undefined {
  const start = timeline.findLast((hop) => hop.state === 'processing' && hop.worker === worker);
  return start && { worker, from: Date.parse(start.at), to: Date.parse(finished_at) };
}
