import { describe, expect, it } from 'vitest';
import { noTotals } from '../figures/totals.ts';
import type { BrokerQueue } from '../management/read-broker.ts';
import { jobsInBroker, ledgerOf } from './ledger.ts';

const none = { publish: 0, deliver: 0, ack: 0 };
const queue = (name: string, held: number | undefined): BrokerQueue => ({
  name,
  ready: held ?? 0,
  unacked: 0,
  held,
  consumers: 0,
  rates: none,
  counts: none,
});

describe('the ledger', () => {
  it('adds up to what was accepted', () => {
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

  it('counts jobs wherever RabbitMQ may have them', () => {
    const queues = [
      queue('image.jobs.process', 2),
      queue('image.jobs.retry.5s', 3),
      queue('image.jobs.dead.recorder', 4),
      queue('image.jobs.dead', 50),
      queue('image.webhooks.deliver', 60),
    ];
    expect(jobsInBroker(queues)).toBe(9);
  });

  it('does not know what RabbitMQ has not counted', () => {
    expect(jobsInBroker(undefined)).toBeUndefined();
    expect(jobsInBroker([])).toBeUndefined();
    expect(
      jobsInBroker([queue('image.jobs.process', 2), queue('image.jobs.retry.5s', undefined)]),
    ).toBeUndefined();
  });
});
