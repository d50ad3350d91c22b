import { describe, expect, it } from 'vitest';
import { noTotals } from '../durable/durable-totals.ts';
import type { SampledQueue } from '../management/read-broker.ts';
import { someQueue } from '../../testing/some-snapshot.ts';
import { jobsInBroker, ledgerOf } from './ledger.ts';

const queue = (name: string, held: number | null): SampledQueue => ({
  metrics: someQueue(name, { ready: held ?? 0 }),
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
