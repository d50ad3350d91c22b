import {
  endedEvent,
  queuedEvent,
  redeliveredEvent,
  startedEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import {
  completedOutcome,
  lifeOf,
  postponed,
  retrying,
  someRequest,
  started,
} from '../../testing/job-life.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunTracker } from './run-tracker.ts';

const request = someRequest();
const queued = queuedEvent(request);
const [, , completed] = lifeOf(request);
if (completed === undefined) throw new Error('a life without an end');

describe('open runs', () => {
  it('are accepted, started, retried and ended, each reported once', () => {
    const tracker = new RunTracker(10);
    const changes = [
      queued,
      queued,
      started(request),
      retrying(request),
      started(request, 2),
      completed,
      completed,
    ]
      .map((event, offset) => tracker.apply(event, offset))
      .map((change) => change && [change.accepted, change.retried, change.ended?.state]);
    expect(changes).toEqual([
      [true, false, undefined],
      undefined,
      [false, false, undefined],
      [false, true, undefined],
      [false, false, undefined],
      [false, false, 'completed'],
      undefined,
    ]);
    expect([tracker.size, tracker.counts]).toEqual([0, { queued: 0, processing: 0, retrying: 0 }]);
  });

  it('wait for a retry while they are postponed, which is neither a retry nor the end of an attempt', () => {
    const tracker = new RunTracker(10);
    const apply = (...events: Parameters<typeof tracker.apply>[0][]) =>
      events.map((event, offset) => tracker.apply(event, offset));
    apply(queued, started(request), retrying(request));
    const nothing = {
      accepted: false,
      retried: false,
      redelivered: false,
      ended: undefined,
      attempt: undefined,
    };
    expect(apply(postponed(request, 2), postponed(request, 1), postponed(request, 2))).toEqual([
      nothing,
      undefined,
      undefined,
    ]);
    expect(tracker.counts).toEqual({ queued: 0, processing: 0, retrying: 1 });
    const [run] = tracker.open;
    expect(run?.retry_at).toBe(Date.parse(request.submitted_at) + 180_000);
    expect(apply(started(request, 2))).toEqual([nothing]);
    expect(tracker.counts).toEqual({ queued: 0, processing: 1, retrying: 0 });
  });

  it('count each run once, whatever the order of its events', () => {
    const life = [queued, started(request), retrying(request), started(request, 2), completed];
    fc.assert(
      fc.property(fc.shuffledSubarray([...life, ...life], { minLength: life.length }), (events) => {
        const tracker = new RunTracker(10);
        const changes = events.flatMap((event, offset) => tracker.apply(event, offset) ?? []);
        expect(changes.filter(({ accepted }) => accepted)).toHaveLength(1);
        expect(changes.filter(({ ended }) => ended)).toHaveLength(Number(events.includes(completed)));
        const { queued: waiting, processing, retrying: again } = tracker.counts;
        expect(waiting + processing + again).toBe(tracker.size);
      }),
    );
  });

  it('belong to the worker that started them last', () => {
    const tracker = new RunTracker(10);
    tracker.apply(started(request), 0);
    tracker.apply(startedEvent(request, 1, 'worker-2', new Date().toISOString()), 1);
    expect([...tracker.open]).toMatchObject([{ state: 'processing', worker: 'worker-2' }]);
  });

  it('are redelivered to the worker that received them, which counts once', () => {
    const tracker = new RunTracker(10);
    const at = '2026-01-01T00:00:09.000Z';
    const to = { worker: 'worker-2', at, delivery: 2, reason: 'Connection lost.' };
    const redelivered = redeliveredEvent(request, 1, to);
    const again = startedEvent(request, 1, 'worker-2', at, { redelivered: true, delivery: 2 });
    const changes = [queued, started(request), redelivered, redelivered, again, redelivered].map(
      (event, offset) => tracker.apply(event, offset),
    );
    expect(changes.filter((change) => change?.redelivered)).toHaveLength(1);
    expect([...tracker.open]).toMatchObject([{ state: 'processing', worker: 'worker-2' }]);
    expect(tracker.counts).toEqual({ queued: 0, processing: 1, retrying: 0 });
  });

  it('restart when a worker returns under its old name, but not on a duplicate event', () => {
    const tracker = new RunTracker(10);
    const startedAt = (second: number) =>
      startedEvent(request, 1, 'worker-1', `2026-01-01T00:00:0${second}.000Z`);
    for (const [offset, second] of [1, 5, 5, 1].entries()) tracker.apply(startedAt(second), offset);
    expect([...tracker.open]).toMatchObject([{ since: Date.parse('2026-01-01T00:00:05.000Z') }]);
    expect(tracker.counts).toEqual({ queued: 0, processing: 1, retrying: 0 });
  });

  it('are listed, oldest first, with the log offset of the others', () => {
    const tracker = new RunTracker(10);
    const other = someRequest();
    tracker.apply(queued, 5);
    tracker.apply(queuedEvent(other), 7);
    tracker.apply(started(request), 8);
    const { job_id } = request;
    expect(tracker.oldest(1)).toMatchObject({ runs: [{ job_id, offset: 5, place: 9 }], from: 7 });
    expect(tracker.oldest(2)).toMatchObject({ runs: [{ job_id }, { offset: 7 }], from: undefined });
    tracker.apply(completed, 9);
    expect(tracker.oldest(1)).toMatchObject({ runs: [{ job_id: other.job_id }], from: undefined });
  });

  it('continue from the list, without the earlier events', () => {
    const before = new RunTracker(10);
    before.apply(queued, 5);
    before.apply(started(request), 6);
    const after = new RunTracker(10, before.oldest(10).runs);
    expect(after.counts).toEqual({ queued: 0, processing: 1, retrying: 0 });
    expect(after.apply(queued, 5)).toBeUndefined();
    expect(after.apply(completed, 9)).toMatchObject({ accepted: false, ended: { state: 'completed' } });
    expect(after.size).toBe(0);
  });

  it('report how long a slot was busy, even without a start event', () => {
    const [from, to] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-01T00:00:02Z')];
    const outcome = completedOutcome(request);
    const timeline = outcome.timeline.map((hop) => ({ ...hop, at: new Date(from).toISOString() }));
    const late = endedEvent(request, { ...outcome, timeline, finished_at: new Date(to).toISOString() });
    expect(new RunTracker(1).apply(late, 0)?.attempt).toEqual({ worker: 'worker-1', from, to });
  });
});
