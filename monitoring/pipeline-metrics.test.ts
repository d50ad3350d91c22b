import { endedEvent, queuedEvent, startedEvent } from '@image-pipeline/shared/contracts/event.ts';
import {
  completedOutcome,
  lifeOf,
  retrying,
  someRequest,
  started,
} from '@image-pipeline/shared/testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { PipelineFigures } from './pipeline-metrics.ts';

it('keeps as a peak the jobs that wait again because their retry became due, also when they have ended', () => {
  const figures = new PipelineFigures({ state: undefined, isLive: () => true, patienceMs: 1_000 });
  let offset = 0;
  const requests = [someRequest(), someRequest(), someRequest()];
  for (const request of requests) {
    for (const event of [queuedEvent(request), started(request), retrying(request)])
      figures.onEvent(event, offset++);
  }
  expect(figures.peaks.waiting.value).toBe(1);
  figures.onRefresh(Date.now() + 1);
  expect(figures.peaks.waiting.value).toBe(3);
  for (const request of requests) figures.onEvent(lifeOf(request).at(-1) ?? queuedEvent(request), offset++);
  figures.onRefresh(Date.now() + 1);
  expect(figures.peaks.waiting.value).toBe(3);
  expect(figures.state.peaks).toEqual(figures.peaks);
});

describe.each([
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
])('a worker whose clock is %s', (_case, offMs) => {
  /** One job that such a worker has done, heard of live or read later. */
  function afterItsJob(isLive: boolean): PipelineFigures {
    const figures = new PipelineFigures({ state: undefined, isLive: () => isLive, patienceMs: 1_000 });
    const request = someRequest();
    const itsTime = new Date(Date.now() + offMs).toISOString();
    const outcome = { ...completedOutcome(request), finished_at: itsTime };
    const timings = { ...outcome.timings, wait_ms: Math.max(0, offMs) };
    figures.onEvent(queuedEvent(request), 0);
    figures.onEvent(startedEvent(request, 1, outcome.worker, itsTime), 1);
    figures.onEvent(endedEvent(request, { ...outcome, timings }), 2);
    return figures;
  }
  const NOT_YET = 1_000;

  it('ends its jobs when they are heard to end', () => {
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

  it('is not seen in the future, whenever its events are read', () => {
    const { ends, attempts, workers } = afterItsJob(false);
    expect(ends.between(Date.now() + NOT_YET, Infinity)).toEqual([]);
    expect(attempts.between(Date.now() + NOT_YET, Infinity)).toEqual([]);
    for (const { lastSeen } of workers) expect(lastSeen).toBeLessThan(Date.now() + NOT_YET);
  });
});

it('does not take those for live who are gone by the newest look, whatever their clocks said', () => {
  const figures = new PipelineFigures({ state: undefined, isLive: () => true, patienceMs: 1_000 });
  const request = someRequest();
  figures.onEvent(startedEvent(request, 1, 'worker-1', '2999-01-01T00:00:00.000Z'), 0);
  expect(figures.workers).toMatchObject([{ name: 'worker-1', live: true }]);
  figures.onLook({ queues: [], workers: [], connected: [], alarms: [] }, Date.now());
  expect(figures.workers).toMatchObject([{ name: 'worker-1', live: false }]);
});

describe('peaks', () => {
  const givenFigures = () => new PipelineFigures({ state: undefined, isLive: () => true, patienceMs: 1_000 });
  const worker = { name: 'worker-1', slots: 2 };
  const look = { queues: [], workers: [worker], connected: [worker.name], alarms: [] };

  it('count the jobs of a worker that died, which wait again, and not those of one that only takes no more', () => {
    const figures = givenFigures();
    const [waiting, inHand] = [someRequest(), someRequest()];
    figures.onLook(look, Date.now());
    const events = [queuedEvent(inHand), started(inHand), queuedEvent(waiting)];
    for (const [offset, event] of events.entries()) figures.onEvent(event, offset);
    for (const [seen, inSeconds, most] of [
      [look, 0, 1],
      [{ ...look, workers: [] }, 60, 1],
      [{ ...look, workers: [], connected: [] }, 61, 2],
    ] as const) {
      const at = Date.now() + inSeconds * 1_000;
      figures.onLook(seen, at);
      figures.onRefresh(at);
      expect(figures.peaks.waiting.value).toBe(most);
    }
  });

  it('count a worker once whose old connection RabbitMQ has not given up yet', () => {
    const figures = givenFigures();
    figures.onLook({ ...look, workers: [worker, worker] }, Date.now());
    expect(figures.peaks.workers.value).toBe(1);
  });

  it('are not raised by ends that are told again, which count in their own time', () => {
    const figures = givenFigures();
    const request = someRequest({ submitted_at: '2026-01-01T00:00:00.000Z' });
    const outcome = { ...completedOutcome(request), finished_at: '2026-01-01T00:00:01.000Z' };
    const end = endedEvent(request, outcome);
    figures.toldAgain(end.id);
    figures.onEvent(end, 0);
    expect(figures.totals.completed).toBe(1);
    expect(figures.peaks.throughput_1m.value).toBe(0);
    expect(figures.ends.between(0, Infinity)).toMatchObject([{ at: Date.parse(outcome.finished_at) }]);
  });
});

it('does not take those for live of whom only the past tells', () => {
  const figures = new PipelineFigures({ state: undefined, isLive: () => false, patienceMs: 1_000 });
  const startAt = (time: number, name: string) =>
    startedEvent(someRequest(), 1, name, new Date(time).toISOString());
  figures.onEvent(startAt(Date.now() - 3_600_000, 'worker-1'), 0);
  figures.onEvent(startAt(Date.now() - 1_000, 'worker-2'), 1);
  expect(figures.workers).toMatchObject([{ name: 'worker-2', live: true }]);
});
