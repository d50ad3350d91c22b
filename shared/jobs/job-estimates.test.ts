import { endedEvent, queuedEvent, retryingEvent, startedEvent } from '../contracts/event.ts';
import type { JobEvent } from '../contracts/event.ts';
import type { JobRequest } from '../contracts/job.ts';
import type { JobView } from './job-view.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { LiveView } from './live-view.ts';
import { JobEstimates } from './job-estimates.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (secondsFromNow: number) => new Date(NOW + secondsFromNow * 1_000).toISOString();
const oneWorker = (ready: number) => ({ ready, consumers: 1 });

let estimates: JobEstimates;
let followed: LiveView;

beforeEach(() => {
  estimates = new JobEstimates(() => NOW);
  followed = new LiveView(1_000);
});

const queued = (secondsAgo: number) => queuedEvent(someRequest({ submitted_at: at(-secondsAgo) }));
const started = (request: JobRequest, secondsAgo: number) =>
  startedEvent(request, 1, 'worker-1', at(-secondsAgo));

describe('the estimate of a job', () => {
  it('is unknown before the first end, without workers, and without queue metrics', () => {
    const [view] = applied(queued(1));
    if (view === undefined) throw new Error('no view');
    expect(estimates.of(view, oneWorker(1))).toEqual({ queue_position: 1, eta_seconds: null });
    applied(ended(4, 10));
    expect(estimates.of(view, { ready: 1, consumers: 0 })).toEqual({ queue_position: 1, eta_seconds: null });
    expect(estimates.of(view, undefined)).toEqual({ queue_position: 1, eta_seconds: null });
    expect(estimates.of(view, oneWorker(1))).toEqual({ queue_position: 1, eta_seconds: 4 });
  });

  it('grows with the jobs ahead, and shrinks with more workers', () => {
    applied(ended(3, 40), ended(5, 30));
    const views = applied(queued(3), queued(2), queued(1));
    const etas = (consumers: number) =>
      views.map((view) => estimates.of(view, { ready: 3, consumers })?.eta_seconds);
    expect(etas(1)).toEqual([4, 8, 12]);
    expect(etas(2)).toEqual([4, 6, 8]);
    expect(views.map((view) => estimates.of(view, oneWorker(3))?.queue_position)).toEqual([1, 2, 3]);
  });

  it('uses the measured throughput once there is one', () => {
    const [first] = applied(queued(20));
    for (let second = 1; second <= 10; second++) applied(ended(1, second));
    const [last] = applied(queued(1));
    if (first === undefined || last === undefined) throw new Error('no view');
    expect(estimates.of(first, oneWorker(2))?.eta_seconds).toBe(1);
    expect(estimates.of(last, oneWorker(2))?.eta_seconds).toBe(3);
  });

  it('of a job in progress is the mean rest of longer jobs, and unknown without any', () => {
    applied(ended(2, 40), ended(6, 30), ended(10, 20));
    const [early, late, stuck] = applied(
      ...[0, 5, 11].map((ago) => started(someRequest({ submitted_at: at(-60) }), ago)),
    );
    if (early === undefined || late === undefined || stuck === undefined) throw new Error('no view');
    expect(estimates.of(early, oneWorker(0))).toEqual({ queue_position: null, eta_seconds: 6 });
    expect(estimates.of(late, oneWorker(0))?.eta_seconds).toBe(3);
    expect(estimates.of(stuck, oneWorker(0))?.eta_seconds).toBeNull();
  });

  it('of a job in a retry queue is at least the rest of its delay', () => {
    applied(ended(4, 40));
    const [soon, late] = applied(retrying(2), retrying(30), queued(5), queued(4));
    if (soon === undefined || late === undefined) throw new Error('no view');
    expect(estimates.of(soon, oneWorker(2))).toEqual({ queue_position: null, eta_seconds: 12 });
    expect(estimates.of(late, oneWorker(2))).toEqual({ queue_position: null, eta_seconds: 34 });
    const [due] = applied(retrying(-1));
    if (due === undefined) throw new Error('no view');
    expect(estimates.of(due, oneWorker(3))).toEqual({ queue_position: 3, eta_seconds: 12 });
  });

  it('is unknown while a slow job waits, which does not count as ahead of others', () => {
    applied(ended(4, 40));
    const codes = ['slow_image', 'deadline_exceeded', 'memory_exceeded'];
    const slow = applied(...codes.map((code) => retrying(-10, code)));
    const [view] = applied(queued(1));
    if (view === undefined) throw new Error('no view');
    for (const waiting of slow) {
      expect(estimates.of(waiting, oneWorker(1))).toEqual({ queue_position: null, eta_seconds: null });
    }
    expect(estimates.of(view, oneWorker(1))?.queue_position).toBe(1);
  });

  it('is listed for the jobs that end next', () => {
    const [, first] = applied(queued(1), queued(2), started(someRequest(), 1));
    expect(estimates.next(2)).toEqual([expect.any(String), first?.request.job_id]);
    expect(estimates.next(10)).toHaveLength(3);
  });

  it('does not exist once the job has ended', () => {
    const [view] = applied(ended(4, 1));
    expect(view && estimates.of(view, oneWorker(0))).toBeUndefined();
  });
});

describe('the range of an estimate', () => {
  it('is what 80 % of the newest jobs took, relative to their estimates', () => {
    let now = NOW;
    estimates = new JobEstimates(() => now);
    applied(ended(4, 40));
    estimates.compare(oneWorker(0));
    for (const took of [2, 4, 4, 4, 12]) {
      expect(estimates.range(10)).toBeNull();
      const request = someRequest({ submitted_at: new Date(now).toISOString() });
      applied(queuedEvent(request));
      now += took * 1_000;
      const finished_at = new Date(now).toISOString();
      const start = new Date(now - 4_000).toISOString(); // so that every estimate is 4 s
      const timeline = [{ state: 'processing', at: start, run: 1, attempt: 1 }] as const;
      applied(endedEvent(request, { ...completedOutcome(request), timeline: [...timeline], finished_at }));
    }
    expect(estimates.range(10)).toEqual([5, 30]);
    expect(estimates.range(null)).toBeNull();
  });
});

describe('jobs that the event log does not have', () => {
  it('are counted by RabbitMQ if they are older than the log', () => {
    applied(ended(4, 40));
    const [view] = applied(queued(1));
    if (view === undefined) throw new Error('no view');
    estimates.compare(oneWorker(11));
    expect(estimates.of(view, oneWorker(11))).toEqual({ queue_position: 11, eta_seconds: 44 });
  });

  it('are counted by RabbitMQ if their end events are missing', () => {
    const [, , view] = applied(queued(90), queued(80), queued(1));
    if (view === undefined) throw new Error('no view');
    estimates.compare(oneWorker(1));
    expect(estimates.of(view, oneWorker(1))?.queue_position).toBe(1);
  });

  it('have no estimate', () => {
    const [view] = applied(queued(1));
    if (view === undefined) throw new Error('no view');
    estimates.forget();
    expect(estimates.of(view, oneWorker(1))).toEqual({ queue_position: null, eta_seconds: null });
  });
});

/** Applies these events and returns the views after them. */
function applied(...events: JobEvent[]): JobView[] {
  for (const event of events) estimates.changed(followed.apply(event).view);
  return events.flatMap(({ data }) => followed.get(data.job_id) ?? []);
}

function retrying(secondsFromNow: number, code = 'engine_crashed'): JobEvent {
  const error = { code, reason: 'It did not work.' };
  const hop = { worker: 'worker-1', at: at(-5), retry_at: at(secondsFromNow), error };
  return retryingEvent(someRequest({ submitted_at: at(-60) }), 1, hop);
}

/** A job with this processing time that ended this long ago, in seconds. */
function ended(took: number, ago: number): JobEvent {
  const request = someRequest({ submitted_at: at(-ago - took) });
  const hop = { state: 'processing', at: at(-ago - took), run: 1, attempt: 1, worker: 'worker-1' } as const;
  return endedEvent(request, { ...completedOutcome(request), timeline: [hop], finished_at: at(-ago) });
}
