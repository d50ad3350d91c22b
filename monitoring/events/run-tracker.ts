import { jobEventStates, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { z } from 'zod';

/** A run that was accepted and has not ended. Times in milliseconds since 1970. */
export const openRunSchema = z.object({
  job_id: z.string(),
  run: z.int().min(1),
  /** Of the first event that was heard of it. */
  offset: z.int().min(0),
  state: z.enum(['queued', 'processing', 'retrying']),
  /** Where its newest event stands in the order of a run's life: (attempt, rank) as one number. */
  place: z.int().min(0),
  /** Since when it has been in this state. */
  since: z.number(),
  worker: z.string().optional(),
  /** When a retrying run is back in the queue of jobs. */
  retry_at: z.number().optional(),
  /** The trace that its newest event belongs to. */
  traceparent: z.string().optional(),
});
export type OpenRun = Readonly<z.output<typeof openRunSchema>>;

/** Ranks of an attempt, which place it among the attempts of its run. */
const RANKS = 8;

/** The attempt that a run is at, or whose failure it waits after. */
export const attemptOf = ({ place }: OpenRun): number => Math.floor(place / RANKS);

/** An attempt that is over: a slot of this worker was busy in between. */
export interface Attempt {
  readonly worker: string;
  readonly from: number;
  readonly to: number;
}

/** How an event came by. */
export interface Heard {
  /** In milliseconds since 1970; a later time in the event is of a clock that runs ahead. */
  readonly heardAt: number;
  /** The trace it belongs to. */
  readonly traceparent?: string | undefined;
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

  /** @param open runs that are known to be open before the first event is read */
  constructor(endsRemembered: number, open: readonly OpenRun[] = []) {
    this.#endsRemembered = endsRemembered;
    for (const run of open) {
      this.#open.set(`${run.job_id}/${run.run}`, run);
      this.#counts[run.state]++;
    }
  }

  /** How many are in which state. A run whose retry is due counts as retrying until it is started. */
  get counts(): Readonly<Record<OpenRun['state'], number>> {
    return this.#counts;
  }

  /** @param offset of the event in the log */
  apply(event: JobEvent, offset: number, heard: Heard = { heardAt: Date.now() }): RunChange | undefined {
    const key = `${event.data.job_id}/${event.data.run}`;
    if (this.#ended.has(key)) return undefined;
    const before = this.#open.get(key);
    const accepted = before === undefined;
    if (event.type === 'job.completed' || event.type === 'job.failed') {
      const { outcome } = event.data;
      this.#end(key, before);
      return { accepted, retried: false, ended: outcome, attempt: lastAttempt(outcome, heard.heardAt) };
    }
    const after = runAfter(before, event, offset, heard);
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

  /** The runs that were heard of first, at most so many; whoever reads the log from `from` on meets all others. */
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
  { heardAt, traceparent }: Heard,
): OpenRun {
  const place = event.data.attempt * RANKS + jobEventStates[event.type].rank;
  const worker = event.type === 'job.started' ? event.data.worker : undefined;
  const isNews = before === undefined || place > before.place;
  const since = Math.min(Date.parse(event.time), heardAt);
  // The broker gave the job to another worker, because the first one died, or to one of the same name in its place.
  const isAnother = before !== undefined && (worker !== before.worker || since > before.since);
  const isRedelivery = before?.place === place && worker !== undefined && isAnother;
  if (!isNews && !isRedelivery) return before;
  return {
    job_id: event.data.job_id,
    run: event.data.run,
    offset: before?.offset ?? offset,
    state: stateAfter(event.type),
    place,
    since,
    worker,
    retry_at: event.type === 'job.retrying' ? Date.parse(event.data.retry_at) : undefined,
    traceparent,
  };
}

function stateAfter(type: 'job.queued' | 'job.started' | 'job.retrying'): OpenRun['state'] {
  if (type === 'job.queued') return 'queued';
  return type === 'job.started' ? 'processing' : 'retrying';
}

/** From the timeline, because the event of its start may come later. */
function lastAttempt({ timeline, worker, finished_at }: Outcome, heardAt: number): Attempt | undefined {
  const start = timeline.findLast((hop) => hop.state === 'processing' && hop.worker === worker);
  const past = (time: string) => Math.min(Date.parse(time), heardAt);
  return start && { worker, from: past(start.at), to: past(finished_at) };
}
