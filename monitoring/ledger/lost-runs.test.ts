import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SampledQueue } from '../management/sample-broker.ts';
import { someQueue } from '../../testing/some-snapshot.ts';
import { jobsInBroker, ledgerOf, LostRuns } from './lost-runs.ts';
import { noTotals } from './totals.ts';

const queue = (name: string, held: number | null): SampledQueue => ({
  metrics: someQueue(name),
  messages: held,
  held,
  counters: { publish: 0, deliver: 0, ack: 0 },
});

describe('the ledger', () => {
  it('adds up to the accepted runs', () => {
    const totals = { ...noTotals, accepted: 10, completed: 6, failed: 1 };
    const queues = [queue('image.jobs.process', 2), queue('image.jobs.dead', 9)];
    expect(ledgerOf(totals, 1, queues)).toEqual({
      accepted: 10,
      completed: 6,
      failed: 1,
      open: 2,
      in_broker: 2,
      unaccounted: 1,
    });
    expect(ledgerOf(totals, 0, undefined)).toMatchObject({ open: 3, in_broker: null, unaccounted: 0 });
  });

  it('counts jobs in every queue that may hold them', () => {
    const queues = [
      queue('image.jobs.process', 2),
      queue('image.jobs.retry.5s', 3),
      queue('image.jobs.dead.recorder', 4),
      queue('image.jobs.dead', 50),
      queue('image.webhooks.deliver', 60),
    ];
    expect(jobsInBroker(queues)).toBe(9);
  });

  it('is unknown until RabbitMQ has counted every queue', () => {
    expect(jobsInBroker(undefined)).toBeUndefined();
    expect(jobsInBroker([])).toBeUndefined();
    expect(
      jobsInBroker([queue('image.jobs.process', 2), queue('image.jobs.retry.5s', null)]),
    ).toBeUndefined();
  });
});

const UNACCOUNTED_AFTER_MS = 20_000;
/** Until the first result: the metrics must have settled and stayed the same for UNACCOUNTED_AFTER_MS. */
const FIRST_RESULT_MS = 30_000;

/** Samples every 5 s, with an event before each that leaves `open` unchanged. */
function sample(lost: LostRuns, count: number, open: number, inBroker: number, from = 0, moving = 0): number {
  let at = from;
  for (let n = 0; n < count; n++, at += 5_000) {
    lost.note(open);
    lost.onSample({ at, open, moving, inBroker });
  }
  return at;
}

describe('runs that are in no queue', () => {
  it('count as lost after a while', () => {
    const lost = new LostRuns(UNACCOUNTED_AFTER_MS, 0);
    const at = sample(lost, FIRST_RESULT_MS / 5_000, 7, 4);
    expect([lost.count, lost.isSuspected]).toEqual([0, true]);
    sample(lost, 1, 7, 4, at);
    expect(lost.count).toBe(3);
  });

  it('no longer count as lost when they end', () => {
    const lost = new LostRuns(UNACCOUNTED_AFTER_MS, 0);
    const at = sample(lost, 10, 7, 4);
    sample(lost, 1, 4, 4, at);
    expect([lost.count, lost.isSuspected]).toEqual([0, false]);
  });

  it('do not include jobs that RabbitMQ counts late, or that are in transit', () => {
    const lost = new LostRuns(UNACCOUNTED_AFTER_MS, 0);
    // 20 per second are accepted, which the management API reports 5 s late.
    let at = 0;
    for (let open = 100; open < 5_000; open += 100, at += 5_000) sample(lost, 1, open, open - 100, at);
    expect(lost.count).toBe(0);
    expect(lost.isSuspected).toBe(false);
    sample(lost, 20, 4_900, 4_890, at, 10);
    expect(lost.count).toBe(0);
  });

  it('stay the same while RabbitMQ cannot be sampled, and after a restart', () => {
    const lost = new LostRuns(UNACCOUNTED_AFTER_MS, 5);
    let at = sample(lost, 1, 7, 0);
    lost.interrupt();
    expect([lost.count, lost.isSuspected]).toEqual([5, false]);
    at = sample(lost, 3, 7, 4, at + 100_000);
    expect(lost.count).toBe(3);
    lost.interrupt();
    sample(lost, 10, 7, 1, at + 100_000);
    expect(lost.count).toBe(6);
  });

  it('are never overcounted, however late each count is', () => {
    const steps = fc.array(
      fc.record({ accepted: fc.nat(50), ended: fc.nat(50), lagMs: fc.integer({ min: 0, max: 9_000 }) }),
      { minLength: 10, maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.nat(20), (life, gone) => {
        const lost = new LostRuns(UNACCOUNTED_AFTER_MS, 0);
        const history: { at: number; held: number }[] = [{ at: -10_000, held: 0 }];
        lost.note(gone);
        let held = 0;
        life.forEach(({ accepted, ended, lagMs }, n) => {
          const at = n * 3_000;
          // The broker has a job before its first event arrives, and until after its last event.
          history.push({ at: at - 1, held: held + accepted });
          held = Math.max(0, held + accepted - ended);
          history.push({ at, held });
          lost.note(gone + held);
          const sample = history.findLast((entry) => entry.at <= at - lagMs);
          lost.onSample({ at, open: gone + held, moving: 0, inBroker: sample?.held ?? 0 });
          expect(lost.count).toBeLessThanOrEqual(gone);
        });
      }),
    );
  });
});
