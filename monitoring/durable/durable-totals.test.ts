import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { failedOutcome, lifeOf, someRequest } from '@image-pipeline/shared/testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { RunTracker } from '../events/run-tracker.ts';
import { noPeaks } from '../figures/peaks.ts';
import { offsetToReadFrom, type DurableState } from './durable-state.ts';
import { DurableTotals } from './durable-totals.ts';

const lives = (count: number): JobEvent[] =>
  Array.from({ length: count }, () => someRequest()).flatMap((request, n) =>
    n === 0 ? lifeOf(request, failedOutcome(request)) : lifeOf(request),
  );

/** A process that begins with this state and reads this log. */
function read(log: readonly JobEvent[], state?: DurableState, from = 0) {
  const tracker = new RunTracker(100);
  const totals = new DurableTotals(state);
  for (const [offset, event] of log.entries()) {
    if (offset >= from) totals.count(event, offset, tracker.apply(event, offset));
  }
  totals.markIsMissing();
  return {
    totals: totals.totals,
    state: {
      version: 1,
      mark: totals.mark ?? null,
      open_from: tracker.firstOffset ?? null,
      totals: totals.totals,
      peaks: noPeaks,
    } satisfies DurableState,
  };
}

const log = lives(5);

describe('totals', () => {
  it('are those of the whole log, wherever the process was ended and begun anew', () => {
    const whole = read(log).totals;
    expect(whole).toMatchObject({
      accepted: 5,
      completed: 4,
      failed: 1,
      failed_by_code: { undecodable_image: 1 },
    });
    for (let cut = 0; cut <= log.length; cut++) {
      const { state } = read(log.slice(0, cut));
      expect(read(log, state, offsetToReadFrom(state)).totals).toEqual(whole);
    }
  });

  it('go on where the log was made anew, which is shorter or longer', () => {
    const { state, totals } = read(log);
    for (const jobs of [1, 5, 9]) {
      const anew = read(lives(jobs), state).totals;
      expect(anew).toMatchObject({ accepted: totals.accepted + jobs, failed: 2 });
    }
  });

  it('go on where retention was faster', () => {
    const { state } = read(log.slice(0, 3));
    expect(read(log, state, 6).totals).toMatchObject({ accepted: 4, completed: 3, failed: 1 });
  });
});
