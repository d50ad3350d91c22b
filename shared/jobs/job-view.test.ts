import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endedEvent, queuedEvent, startedEvent, type JobEvent } from '../contracts/event.ts';
import {
  completedOutcome,
  failedOutcome,
  lifeOf,
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

  it('begins with the acceptance wherever a reader comes in', () => {
    expect(viewOf([started(request)])?.timeline[0]).toEqual(viewOf([queuedEvent(request)])?.timeline[0]);
  });

  it('is the same object when an event is no news', () => {
    const view = viewOf(open);
    for (const event of open) expect(viewOf([event], view)).toBe(view);
  });

  it('has the worker that a job was redelivered to, in place of the one that died', () => {
    const [first, later] = ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:09.000Z'];
    const died = startedEvent(request, 1, 'worker-1', first);
    const again = startedEvent(request, 1, 'worker-2', later, { redelivered: true });
    for (const order of [
      [died, again],
      [again, died],
    ]) {
      expect(viewOf(order)?.timeline.slice(1)).toEqual([
        { state: 'processing', at: later, run: 1, attempt: 1, worker: 'worker-2', redelivered: true },
      ]);
    }
  });

  it('begins anew with a replay and remembers how the runs before it ended', () => {
    const replayed = viewOf([...open, endedEvent(request, failed), queuedEvent(secondRun)]);
    expect(replayed).toMatchObject({ state: 'queued', attempt: 1, outcome: undefined });
    expect(replayed?.timeline).toHaveLength(1);
    expect(replayed?.earlierRuns).toEqual([earlierRunOf(1, failed)]);
    const ended = viewOf(lifeOf(secondRun).slice(1), replayed);
    expect(ended).toMatchObject({ state: 'completed', earlierRuns: replayed?.earlierRuns });
    for (const late of open) expect(viewOf([late], ended)).toBe(ended);
  });

  it('agrees with what the store says of a run that has ended', () => {
    expect(viewOf([...open, endedEvent(request, failed)])).toEqual(viewOfStored(request, failed, []));
  });
});

describe('in whatever order and how often events come', () => {
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

  it('the first end of a run stands', () => {
    const ends = [endedEvent(request, failed), endedEvent(request, completedOutcome(request, 3))];
    fc.assert(
      fc.property(anyOrderOf([...open, ...ends]), (events) => {
        const first = events.find((event) => ends.includes(event));
        expect(viewOf(events)?.state).toBe(first?.type === 'job.failed' ? 'failed' : 'completed');
      }),
    );
  });

  it('no state is turned back', () => {
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
