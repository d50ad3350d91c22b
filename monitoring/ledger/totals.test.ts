import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { failedOutcome, lifeOf, someRequest } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { RunTracker } from '../runs/run-tracker.ts';
import { DurableTotals, noPeaks, raisePeaks } from './totals.ts';
import { offsetToReadFrom, type DurableState } from './durable-state.ts';

const lives = (count: number): JobEvent[] =>
  Array.from({ length: count }, () => someRequest()).flatMap((request, n) =>
    n === 0 ? lifeOf(request, failedOutcome(request)) : lifeOf(request),
  );

/** A process that starts with this state, reads this log, and stores at most `listed` open runs. */
function read(log: readonly JobEvent[], state?: DurableState, from = 0, listed = 0) {
  const tracker = new RunTracker(100, state?.open);
  const totals = new DurableTotals(state);
  for (const [offset, event] of log.entries()) {
    if (offset < from) continue;
    const change = tracker.apply(event, offset);
    totals.count(event, offset, change, tracker.size);
  }
  totals.onMarkMissing(tracker.size);
  const oldest = tracker.oldest(listed);
  return {
    totals: totals.totals,
    open: tracker.size,
    state: {
      version: 1,
      mark: totals.mark ?? null,
      open: [...oldest.runs],
      open_from: oldest.from ?? null,
      unaccounted: 0,
      totals: totals.totals,
      peaks: noPeaks,
    } satisfies DurableState,
  };
}

const log = lives(5);

describe('totals', () => {
  it('equal those of the whole log, wherever the process was restarted', () => {
    const whole = read(log).totals;
    expect(whole).toMatchObject({
      accepted: 5,
      completed: 4,
      failed: 1,
      failed_by_code: { undecodable_image: 1 },
    });
    const interleaved = log.toSorted((one, other) => one.type.localeCompare(other.type)).toReversed();
    for (const events of [log, interleaved]) {
      for (let cut = 0; cut <= events.length; cut++) {
        for (const listed of [0, 2, 100]) {
          const { state } = read(events.slice(0, cut), undefined, 0, listed);
          expect(read(events, state, offsetToReadFrom(state), listed).totals).toEqual({
            ...whole,
            since: expect.any(String) as string,
          });
        }
      }
    }
  });

  it('continue when the log was recreated, shorter or longer', () => {
    const { state, totals } = read(log);
    for (const jobs of [1, 5, 9]) {
      const recreated = read(lives(jobs), state).totals;
      expect(recreated).toMatchObject({ accepted: totals.accepted + jobs, failed: 2 });
    }
  });

  it('continue when retention has removed events that were not counted', () => {
    const { state } = read(log.slice(0, 3));
    expect(read(log, state, 6).totals).toMatchObject({ accepted: 4, completed: 3, failed: 1 });
  });

  it('add up with open runs after a gap in the log, whatever follows it', () => {
    const gap = 4;
    for (const listed of [0, 2, 100]) {
      for (let cut = 0; cut + gap <= log.length; cut++) {
        const { state } = read(log.slice(0, cut), undefined, 0, listed);
        const { totals, open } = read(log, state, cut + gap, listed);
        expect(totals.accepted).toBe(totals.completed + totals.failed + open);
        expect(totals.accepted).toBeLessThanOrEqual(5);
      }
    }
  });
});

describe('peaks', () => {
  it('only increase', () => {
    const now = Date.parse('2026-01-01T12:00:00Z');
    const risen = raisePeaks(noPeaks, { waiting: 5, processing: 0 }, now);
    expect(risen).toEqual({ ...noPeaks, waiting: { value: 5, at: '2026-01-01T12:00:00.000Z' } });
    expect(raisePeaks(risen, { waiting: 5 }, now + 1)).toBe(risen);
  });
});
