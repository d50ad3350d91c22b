import {
  endedEvent,
  queuedEvent,
  redeliveredEvent,
  startedEvent,
  type JobEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import { applyEvent, type JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import {
  completedOutcome,
  failedOutcome,
  postponed,
  retrying,
  someRequest,
  started,
} from '../../testing/job-life.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueEvents, placeOfEvent } from './event-order.ts';

const request = someRequest();
const secondRun = { ...request, run: 2 };

const at = new Date().toISOString();

/** Two attempts, the first one redelivered and the second one postponed twice, that end in a failure, then a replay that completes: in the order of a job's life. */
const life: readonly JobEvent[] = [
  queuedEvent(request),
  started(request, 1),
  redeliveredEvent(request, 1, { worker: 'worker-2', at, delivery: 2, reason: 'Connection lost.' }),
  startedEvent(request, 1, 'worker-2', at, { redelivered: true, delivery: 2 }),
  retrying(request, 1),
  postponed(request, 1),
  postponed(request, 2),
  started(request, 2),
  endedEvent(request, failedOutcome(request, 2)),
  queuedEvent(secondRun),
  started(secondRun, 1),
  endedEvent(secondRun, completedOutcome(secondRun, 1)),
];

/** The events sent to subscribers if the log has this order. */
function sentFor(events: readonly JobEvent[], knownBefore = false): readonly JobEvent[] {
  let view: JobView | undefined;
  return events.flatMap((event) => {
    const due = dueEvents(view, event, knownBefore);
    view = applyEvent(view, event);
    return due;
  });
}

const names = (events: readonly JobEvent[]) =>
  events.map(({ type, data }) => `${data.run}.${data.attempt} ${type.replace('job.', '')}`);

describe('the events sent to subscribers', () => {
  it('are all events of a job in order', () => {
    expect(sentFor(life)).toEqual(life);
  });

  it('start with queued if started overtook it, and do not repeat it', () => {
    const [queued, begun, ...rest] = life as [JobEvent, JobEvent, ...JobEvent[]];
    expect(sentFor([begun, queued, ...rest])).toEqual(life);
  });

  it('start a replay with queued too', () => {
    const [queued, begun, completed] = life.slice(9) as [JobEvent, JobEvent, JobEvent];
    expect(sentFor([...life.slice(0, 9), begun, queued, completed])).toEqual(life);
  });

  it('omit duplicates', () => {
    expect(sentFor(life.flatMap((event) => [event, event]))).toEqual(life);
    expect(sentFor([...life, ...life])).toEqual(life);
  });

  it('omit what follows the end of a run', () => {
    const ended = [queuedEvent(request), started(request), endedEvent(request, completedOutcome(request))];
    const late = [started(request, 2), retrying(request, 2), endedEvent(request, failedOutcome(request, 3))];
    expect(sentFor([...ended, ...late])).toEqual(ended);
  });

  it('include no inserted queued event that may have been sent long ago', () => {
    expect(names(sentFor([started(request), endedEvent(request, completedOutcome(request))], true))).toEqual([
      '1.1 started',
      '1.1 completed',
    ]);
  });

  it('are in the order of a job’s life, once each and never after an end, whatever the order of the log', () => {
    const anyOrder = fc
      .array(fc.nat(life.length - 1), { minLength: 1, maxLength: 30 })
      .map((indices) => indices.flatMap((index) => life[index] ?? []));
    fc.assert(
      fc.property(anyOrder, (events) => {
        const result = sentFor(events);
        const places = result.map(placeOfEvent);
        expect(places).toEqual([...new Set(places)].toSorted((one, other) => one - other));
        for (const run of [1, 2]) {
          const ofRun = result.filter(({ data }) => data.run === run);
          expect(ofRun[0]?.type ?? 'job.queued').toBe('job.queued');
        }
        // The newest event has been sent.
        expect(places.at(-1)).toBe(Math.max(...events.map(placeOfEvent)));
      }),
    );
  });
});
