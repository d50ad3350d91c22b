import { describe, expect, it } from 'vitest';
import type { OpenRun } from '../events/run-tracker.ts';
import { forgetGone, seeWorker, type KnownWorkers } from './known-workers.ts';
import { utilisationOfAll, workerTable } from './worker-table.ts';

const NOW = 1_000_000;
const seconds = (count: number) => NOW - count * 1_000;
const busy = (worker: string, since: number): OpenRun => ({
  job_id: 'job',
  run: 1,
  offset: 0,
  state: 'processing',
  place: 9,
  since,
  worker,
});

describe('the table of workers', () => {
  const known = seeWorker(seeWorker(new Map(), 'worker-10', seconds(100), 2), 'worker-2', seconds(100), 1);
  const seen = seeWorker(seeWorker(known, 'worker-10', NOW, 2), 'worker-2', seconds(40));

  it('shows slots, what is in hand, the last minute, and who has gone', () => {
    const table = workerTable({
      known: seen,
      lookedAt: NOW,
      open: [busy('worker-10', seconds(30)), busy('worker-2', seconds(90)), busy('worker-2', seconds(90))],
      attempts: [
        { worker: 'worker-10', from: seconds(90), to: seconds(45) },
        { worker: 'somebody', from: seconds(90), to: seconds(1) },
      ],
      now: NOW,
    });
    expect(table).toMatchObject([
      { name: 'worker-2', slots: 1, busy: 1, utilisation: 1, live: false },
      { name: 'worker-10', slots: 2, busy: 1, utilisation: 45 / 120, live: true },
    ]);
    expect(utilisationOfAll(table)).toEqual({ slots: 2, busy: 1, last_minute: 45 / 120 });
  });

  it('does not know what RabbitMQ does not tell', () => {
    const heard = seeWorker(new Map(), 'worker-1', seconds(5));
    const input = { known: heard, lookedAt: undefined, open: [], attempts: [], now: NOW };
    expect(workerTable(input)).toMatchObject([{ slots: null, utilisation: null, live: true }]);
    expect(utilisationOfAll([])).toEqual({ slots: 0, busy: 0, last_minute: null });
  });

  it('measures a new worker by the time that it has been there', () => {
    const fresh = seeWorker(new Map(), 'worker-1', seconds(10), 1);
    const input = {
      known: fresh,
      lookedAt: NOW,
      open: [busy('worker-1', seconds(5))],
      attempts: [],
      now: NOW,
    };
    expect(workerTable(input)[0]?.utilisation).toBe(0.5);
  });

  it('leaves out who was gone at the newest look; while nobody looks, nobody is', () => {
    const names = (workers: KnownWorkers) => [...workers.keys()];
    expect(names(forgetGone(seen, NOW, 30_000))).toEqual(['worker-10']);
    expect(names(forgetGone(seen, seconds(30), 30_000))).toEqual(['worker-10', 'worker-2']);
  });
});
