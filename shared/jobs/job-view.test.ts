import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  endedEvent,
  queuedEvent,
  redeliveredEvent,
  startedEvent,
  type JobEvent,
} from '../contracts/event.ts';
import { timelineEntryOf } from '../contracts/job-order.ts';
import { queuedEntry } from '../contracts/job.ts';
import {
  completedOutcome,
  failedOutcome,
  lifeOf,
  postponed,
  retrying,
  someRequest,
  started,
} from '../../testing/job-life.ts';
import { applyEvent, earlierRunOf, viewOfStored, type JobView } from './job-view.ts';

const request = someRequest();
const secondRun = { ...request, run: 2 };
const failed = failedOutcome(request, 2);
const open = [queuedEvent(request), started(request, 1), retrying(request, 1), started(request, 2)];

function viewOf(events: readonly JobEvent[], before?: JobView): JobView | undefined {
  return events.reduce<JobView | undefined>(applyEvent, before);
}

/** Each of these events at least once, in any order. */
const anyOrderOf = (events: readonly JobEvent[]) =>
  fc
    .tuple(
      fc.shuffledSubarray([...events], { minLength: events.length }),
      fc.array(fc.constantFrom(...events), { maxLength: 10 }),
    )
    .chain(([all, repeats]) =>
      fc.shuffledSubarray([...all, ...repeats], { minLength: all.length + repeats.length }),
    );

describe('the view of a job', () => {
  it('has the state of its last event, and every hop with its time', () => {
    expect(viewOf(open)).toMatchObject({
      request,
      state: 'processing',
      attempt: 2,
      outcome: undefined,
      timeline: [
        { state: 'queued', attempt: 1, at: request.submitted_at },
        { state: 'processing', attempt: 1, worker: 'worker-1' },
        { state: 'retrying', attempt: 1, error: { code: 'deadline_exceeded' } },
        { state: 'processing', attempt: 2 },
      ],
    });
  });

  it('has the outcome and its timeline when the run has ended', () => {
    const view = viewOf([...open, endedEvent(request, failed)]);
    expect(view).toMatchObject({ state: 'failed', attempt: 2, outcome: failed, timeline: failed.timeline });
  });

  it('starts with the acceptance, whichever event is read first', () => {
    expect(viewOf([started(request)])?.timeline[0]).toEqual(viewOf([queuedEvent(request)])?.timeline[0]);
  });

  it('waits for its retry until the newest postponement is over, in any order of arrival', () => {
    const waits = [1, 2, 3].map((postponement) => postponed(request, postponement));
    const newest = waits.map(timelineEntryOf).at(-1);
    fc.assert(
      fc.property(anyOrderOf([...open.slice(0, 3), ...waits]), (order) => {
        const view = viewOf(order);
        expect(view).toMatchObject({ state: 'retrying', attempt: 1 });
        expect(view?.timeline.map(({ state }) => state)).toEqual([
          'queued',
          'processing',
          'retrying',
          'postponed',
        ]);
        expect(view?.timeline.at(-1)).toEqual(newest);
        expect(viewOf([started(request, 2)], view)).toMatchObject({ state: 'processing', attempt: 2 });
      }),
    );
  });

  it('is the same object if an event changes nothing', () => {
    const view = viewOf(open);
    for (const event of open) expect(viewOf([event], view)).toBe(view);
  });

  describe('of a job whose worker died', () => {
    const [first, later] = ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:09.000Z'];
    const reason = 'Connection lost.';
    const entry = { at: later, run: 1, attempt: 1, worker: 'worker-1' };
    const died = { state: 'processing', at: first, run: 1, attempt: 1, worker: 'worker-2' } as const;
    const redelivered = { state: 'redelivered', ...entry, delivery: 2, reason } as const;
    const again = { state: 'processing', ...entry, redelivered: true, delivery: 2 } as const;
    const events = [
      startedEvent(request, 1, 'worker-2', first),
      redeliveredEvent(request, 1, { worker: 'worker-1', at: later, delivery: 2, reason }),
      startedEvent(request, 1, 'worker-1', later, { redelivered: true, delivery: 2 }),
    ];

    it('has both starts, and why the job was redelivered in between, in any order of arrival', () => {
      fc.assert(
        fc.property(anyOrderOf(events), (order) => {
          expect(viewOf(order)).toMatchObject({ state: 'processing', attempt: 1 });
          expect(viewOf(order)?.timeline.slice(1)).toEqual([died, redelivered, again]);
        }),
      );
    });

    it('is in progress as soon as the job is redelivered', () => {
      expect(viewOf(events.slice(0, 2))?.state).toBe('processing');
    });

    it('keeps the start of the worker that died when another worker has finished the job', () => {
      const outcome = completedOutcome(request);
      const end = { state: 'completed', at: later, run: 1, attempt: 1, worker: 'worker-1' } as const;
      const ended = { ...outcome, timeline: [queuedEntry(request), redelivered, again, end] };
      const view = viewOf([...events, endedEvent(request, ended)]);
      expect(view?.timeline).toEqual([queuedEntry(request), died, redelivered, again, end]);
    });

    it('has no start of an attempt after the last one', () => {
      const outcome = completedOutcome(request);
      const view = viewOf([queuedEvent(request), started(request, 2), endedEvent(request, outcome)]);
      expect(view?.timeline).toEqual(outcome.timeline);
    });

    it('reads starts of earlier versions, which have no number', () => {
      const old = startedEvent(request, 1, 'worker-1', later, { redelivered: true });
      expect(viewOf([...events.slice(0, 1), old])?.timeline.slice(1)).toEqual([
        died,
        { state: 'processing', ...entry, redelivered: true },
      ]);
    });
  });

  it('restarts with a replay, and has the outcomes of earlier runs', () => {
    const replayed = viewOf([...open, endedEvent(request, failed), queuedEvent(secondRun)]);
    expect(replayed).toMatchObject({ state: 'queued', attempt: 1, outcome: undefined });
    expect(replayed?.timeline).toHaveLength(1);
    expect(replayed?.earlierRuns).toEqual([earlierRunOf(1, failed)]);
    const ended = viewOf(lifeOf(secondRun).slice(1), replayed);
    expect(ended).toMatchObject({ state: 'completed', earlierRuns: replayed?.earlierRuns });
    for (const late of open) expect(viewOf([late], ended)).toBe(ended);
  });

  it('matches the record in the store of a run that has ended', () => {
    expect(viewOf([...open, endedEvent(request, failed)])).toEqual(viewOfStored(request, failed, []));
  });
});

describe('in any order, and with duplicate events', () => {
  it('a run that has not ended looks the same', () => {
    fc.assert(
      fc.property(anyOrderOf(open), (events) => {
        expect(viewOf(events)).toEqual(viewOf(open));
      }),
    );
  });

  it('a run that has ended looks the same', () => {
    const life = [...open, endedEvent(request, failed)];
    fc.assert(
      fc.property(anyOrderOf(life), (events) => {
        expect(viewOf(events)).toEqual(viewOf(life));
      }),
    );
  });

  it('the first end of a run wins', () => {
    const ends = [endedEvent(request, failed), endedEvent(request, completedOutcome(request, 3))];
    fc.assert(
      fc.property(anyOrderOf([...open, ...ends]), (events) => {
        const first = events.find((event) => ends.includes(event));
        expect(viewOf(events)?.state).toBe(first?.type === 'job.failed' ? 'failed' : 'completed');
      }),
    );
  });

  it('no state is reverted', () => {
    const life = [...open, endedEvent(request, failed), ...lifeOf(secondRun)];
    fc.assert(
      fc.property(anyOrderOf(life), (events) => {
        let [run, attempt] = [0, 0];
        let view: JobView | undefined;
        for (const event of events) {
          view = applyEvent(view, event);
          expect(view.request.run).toBeGreaterThanOrEqual(run);
          if (view.request.run === run) expect(view.attempt).toBeGreaterThanOrEqual(attempt);
          [run, attempt] = [view.request.run, view.attempt];
        }
      }),
    );
  });
});
