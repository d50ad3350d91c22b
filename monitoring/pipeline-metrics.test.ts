import { endedEvent, queuedEvent, startedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { completedOutcome, someRequest } from '../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { PipelineMetrics } from './pipeline-metrics.ts';

describe.each([
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
])('a worker whose clock is %s', (_case, offMs) => {
  /** A job of such a worker, from live or replayed events. */
  function afterItsJob(isLive: boolean): PipelineMetrics {
    const pipeline = new PipelineMetrics({
      state: undefined,
      isLive: () => isLive,
      unaccountedAfterMs: 1_000,
    });
    const request = someRequest();
    const itsTime = new Date(Date.now() + offMs).toISOString();
    const outcome = { ...completedOutcome(request), finished_at: itsTime };
    const timings = { ...outcome.timings, wait_ms: Math.max(0, offMs) };
    pipeline.onEvent(queuedEvent(request), 0);
    pipeline.onEvent(startedEvent(request, 1, outcome.worker, itsTime), 1);
    pipeline.onEvent(endedEvent(request, { ...outcome, timings }), 2);
    return pipeline;
  }
  const NOT_YET = 1_000;

  it('ends its jobs when their events arrive', () => {
    const now = Date.now();
    const { ends, peaks, workers } = afterItsJob(true);
    const [ended] = ends.between(now - 1, Date.now());
    expect(ended?.seconds.total).toBeLessThan(1);
    expect(ended?.seconds.wait).toBeLessThan(1);
    expect(peaks.throughput_1m.value).toBe(1 / 60);
    expect(Date.parse(peaks.throughput_1m.at ?? '')).toBeLessThan(Date.now() + NOT_YET);
    expect(workers[0]?.lastSeen).toBeGreaterThanOrEqual(now);
    expect(workers[0]?.lastSeen).toBeLessThan(Date.now() + NOT_YET);
  });

  it('never appears in the future, whenever its events are read', () => {
    const { ends, attempts, workers } = afterItsJob(false);
    expect(ends.between(Date.now() + NOT_YET, Infinity)).toEqual([]);
    expect(attempts.between(Date.now() + NOT_YET, Infinity)).toEqual([]);
    for (const { lastSeen } of workers) expect(lastSeen).toBeLessThan(Date.now() + NOT_YET);
  });
});

it('does not count workers as live that RabbitMQ does not list for 10 s, even if their clocks are ahead', () => {
  const pipeline = new PipelineMetrics({ state: undefined, isLive: () => true, unaccountedAfterMs: 1_000 });
  const request = someRequest();
  pipeline.onEvent(startedEvent(request, 1, 'worker-1', '2999-01-01T00:00:00.000Z'), 0);
  expect(pipeline.workers).toMatchObject([{ name: 'worker-1', live: true }]);
  const later = Date.now() + 11_000;
  pipeline.onSample({ queues: [], workers: [], connected: [], alarms: [] }, later);
  expect(pipeline.workers).toMatchObject([{ name: 'worker-1', live: false }]);
});

describe('peaks', () => {
  const createPipeline = () =>
    new PipelineMetrics({ state: undefined, isLive: () => true, unaccountedAfterMs: 1_000 });
  const worker = { name: 'worker-1', slots: 2 };
  const sample = { queues: [], workers: [worker], connected: [worker.name], alarms: [] };

  it('of waiting jobs are those that RabbitMQ counted, whatever the order of events', () => {
    const pipeline = createPipeline();
    const requests = Array.from({ length: 10 }, () => someRequest());
    for (const [offset, request] of requests.entries()) pipeline.onEvent(queuedEvent(request), offset);
    for (const [length, most] of [
      [undefined, 0],
      [5, 5],
      [2, 5],
    ] as const) {
      pipeline.onRefresh(Date.now(), length);
      expect(pipeline.peaks.waiting.value).toBe(most);
    }
    expect(pipeline.state.peaks).toEqual(pipeline.peaks);
  });

  it('count a worker once while RabbitMQ still lists its old connection', () => {
    const pipeline = createPipeline();
    pipeline.onSample({ ...sample, workers: [worker, worker] }, Date.now());
    expect(pipeline.peaks.workers.value).toBe(1);
  });

  it('are not raised by republished ends, which count at their own time', () => {
    const pipeline = createPipeline();
    const request = someRequest({ submitted_at: '2026-01-01T00:00:00.000Z' });
    const outcome = { ...completedOutcome(request), finished_at: '2026-01-01T00:00:01.000Z' };
    const end = endedEvent(request, outcome);
    pipeline.expectRepublished(end.id);
    pipeline.onEvent(end, 0);
    expect(pipeline.totals.completed).toBe(1);
    expect(pipeline.peaks.throughput_1m.value).toBe(0);
    expect(pipeline.ends.between(0, Infinity)).toMatchObject([{ at: Date.parse(outcome.finished_at) }]);
  });
});

it('does not count workers as live that only old events mention', () => {
  const pipeline = new PipelineMetrics({ state: undefined, isLive: () => false, unaccountedAfterMs: 1_000 });
  const startAt = (time: number, name: string) =>
    startedEvent(someRequest(), 1, name, new Date(time).toISOString());
  pipeline.onEvent(startAt(Date.now() - 3_600_000, 'worker-1'), 0);
  pipeline.onEvent(startAt(Date.now() - 1_000, 'worker-2'), 1);
  expect(pipeline.workers).toMatchObject([{ name: 'worker-2', live: true }]);
});
