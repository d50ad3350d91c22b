import { describe, expect, it } from 'vitest';
import type { OpenRun } from './run-tracker.ts';
import { KnownWorkers, utilisationOfAll, workerTable } from './workers.ts';

const NOW = 1_000_000;
const seconds = (count: number) => NOW - count * 1_000;
const begins = (worker: string, slots?: number) => ({
  worker,
  starts: true,
  ...(slots === undefined ? {} : { slots }),
});
const busy = (worker: string, since: number): OpenRun => ({
  job_id: 'job',
  run: 1,
  offset: 0,
  state: 'processing',
  place: 9,
  since,
  worker,
});

describe('the worker table', () => {
  const consuming = (...workers: { name: string; slots: number }[]) => ({
    workers,
    connected: workers.map(({ name }) => name),
  });
  /** Two workers, of which the second sent its last event 40 s ago and no longer consumes. */
  function oneLeft(): KnownWorkers {
    const workers = new KnownWorkers(30_000);
    workers.onSample(
      consuming({ name: 'worker-10', slots: 2 }, { name: 'worker-2', slots: 1 }),
      seconds(100),
    );
    workers.onEvent(begins('worker-2'), seconds(40));
    workers.onSample(consuming({ name: 'worker-10', slots: 2 }), seconds(20));
    return workers;
  }

  it('shows slots, jobs in progress, utilisation of the last minute, and stopped workers', () => {
    const table = workerTable({
      known: oneLeft().all,
      open: [busy('worker-10', seconds(30)), busy('worker-2', seconds(90)), busy('worker-2', seconds(90))],
      attempts: [
        { worker: 'worker-10', from: seconds(90), to: seconds(45) },
        { worker: 'other', from: seconds(90), to: seconds(1) },
      ],
      now: NOW,
    });
    expect(table).toMatchObject([
      { name: 'worker-2', slots: 1, busy: 1, utilisation: 1, live: false },
      { name: 'worker-10', slots: 2, busy: 1, utilisation: 45 / 120, live: true },
    ]);
    expect(utilisationOfAll(table)).toEqual({ slots: 2, busy: 1, last_minute: 45 / 120 });
  });

  it('reports as null what RabbitMQ does not report', () => {
    const workers = new KnownWorkers(30_000);
    workers.onEvent(begins('worker-1'), seconds(5));
    const input = { known: workers.all, open: [], attempts: [], now: NOW };
    expect(workerTable(input)).toMatchObject([{ slots: null, utilisation: null, live: true }]);
    expect(utilisationOfAll([])).toEqual({ slots: 0, busy: 0, last_minute: null });
  });

  it('measures a new worker over its own lifetime', () => {
    const workers = new KnownWorkers(30_000);
    workers.onSample(consuming({ name: 'worker-1', slots: 1 }), seconds(10));
    const input = {
      known: workers.all,
      open: [busy('worker-1', seconds(5))],
      attempts: [],
      now: NOW,
    };
    expect(workerTable(input)[0]?.utilisation).toBe(0.5);
  });

  it('shows a new worker before RabbitMQ lists it, and drops a closed one at once', () => {
    const workers = oneLeft();
    const [second, third] = ['worker-2', 'worker-3'];
    const live = () => workers.all.filter((worker) => worker.live).map(({ name, slots }) => [name, slots]);
    workers.onEvent(begins(third, 4), seconds(19));
    workers.onSample(consuming({ name: 'worker-10', slots: 2 }), seconds(15));
    expect(live()).toEqual([
      ['worker-10', 2],
      [third, 4],
    ]);
    workers.onSample(consuming({ name: 'worker-10', slots: 2 }, { name: third, slots: 4 }), seconds(14));
    workers.onSample(consuming({ name: 'worker-10', slots: 2 }), seconds(13));
    expect(live()).toEqual([['worker-10', 2]]);
    expect(workers.isConnected(third)).toBe(false);
    // A paused worker ends its jobs.
    workers.onEvent({ worker: second, starts: false }, seconds(12));
    expect(live()).toEqual([['worker-10', 2]]);
    expect(workers.isConnected(second)).toBe(true);
  });

  it('drops workers that are missing in the newest sample, and none without a new sample', () => {
    const workers = oneLeft();
    const names = () => workers.all.map(({ name }) => name);
    expect(names()).toEqual(['worker-10', 'worker-2']);
    workers.onSample(consuming({ name: 'worker-10', slots: 2 }), NOW);
    expect(names()).toEqual(['worker-10']);
  });

  it('distinguishes paused workers from stopped ones, and restores a worker on its next event', () => {
    const workers = oneLeft();
    const second = () => workers.all.find(({ name }) => name === 'worker-2');
    expect(second()).toMatchObject({ live: false });
    expect(workers.isConnected('worker-2')).toBe(false);
    workers.onEvent(begins('worker-2'), seconds(15));
    expect(second()).toMatchObject({ live: true, slots: 1 });
    expect(workers.isConnected('worker-2')).toBe(true);
    for (const [ago, isConnected] of [
      [6, true],
      [4, false],
    ] as const) {
      workers.onSample({ workers: [], connected: [] }, seconds(ago));
      expect(workers.isConnected('worker-2')).toBe(isConnected);
    }
    workers.onSample({ workers: [], connected: ['worker-2'] }, seconds(-60));
    expect(second()).toBeUndefined();
    expect(workers.isConnected('worker-2')).toBe(true);
  });

  it('is bounded while RabbitMQ cannot be sampled', () => {
    const workers = new KnownWorkers(30_000);
    for (let n = 0; n < 1_100; n++) workers.onEvent(begins(`worker-${n}`), NOW);
    expect(workers.all).toHaveLength(1_000);
    expect(workers.all[0]?.name).toBe('worker-100');
  });
});
