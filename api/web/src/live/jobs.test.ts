import { describe, expect, it } from 'vitest';
import {
  postponedEvent,
  queuedEvent,
  redeliveredEvent,
  retryingEvent,
  startedEvent,
  type JobEvent,
} from '../../../../shared/contracts/event.ts';
import type { JobRequest } from '../../../../shared/contracts/job.ts';
import { applyEvent, applyListed, type Job } from './jobs.ts';

const request: JobRequest = {
  version: 1,
  job_id: '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d',
  run: 1,
  submitted_at: '2026-01-01T00:00:00.000Z',
  original: { name: 'a.png', content_type: 'image/png', size: 10, sha256: 'a'.repeat(64) },
  operations: [{ type: 'filter', name: 'sepia' }],
  output: { format: null, quality: 85 },
};
const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const error = { code: 'store_unavailable', reason: 'The store is unavailable.' };
const queued = queuedEvent(request);
const started = startedEvent(request, 1, 'worker-1', at(1));
const retrying = retryingEvent(request, 1, { worker: 'worker-1', at: at(2), retry_at: at(7), error });
const reason = 'Connection lost.';
const [postponed, postponedAgain] = [1, 2].map((postponement) =>
  postponedEvent(request, 1, {
    worker: 'worker-2',
    at: at(2 + postponement),
    retry_at: at(4 + postponement),
    postponement,
    reason: 'Another slow image.',
  }),
) as [JobEvent, JobEvent];
const lost = startedEvent(request, 2, 'worker-1', at(7));
const redelivered = redeliveredEvent(request, 2, { worker: 'worker-2', at: at(8), delivery: 2, reason });
const again = startedEvent(request, 2, 'worker-2', at(8), { slot: 1, redelivered: true, delivery: 2 });
const all = [queued, started, retrying, lost, redelivered, again];

function after(events: readonly JobEvent[]): Job | undefined {
  return events.reduce<Job | undefined>(applyEvent, undefined);
}

describe('applyEvent', () => {
  it('follows a job in the order of its events', () => {
    expect(after(all)).toMatchObject({
      state: 'processing',
      attempt: 2,
      worker: 'worker-2',
      redelivered: true,
      name: 'a.png',
    });
    expect(after(all)?.steps.map(({ state }) => state)).toEqual([
      'queued',
      'processing',
      'retrying',
      'processing',
      'redelivered',
      'processing',
    ]);
  });

  it('shows a postponed job as waiting, with its newest postponement', () => {
    const inOrder = after([queued, started, retrying, postponed, postponedAgain]);
    expect(inOrder).toMatchObject({
      state: 'retrying',
      attempt: 1,
      retryAt: at(6),
      worker: 'worker-1',
      error,
    });
    expect(inOrder?.steps.map(({ state }) => state)).toEqual([
      'queued',
      'processing',
      'retrying',
      'postponed',
    ]);
    expect(after([started, postponedAgain, retrying, postponed, queued, postponed])).toEqual(inOrder);
  });

  it('keeps the error and the worker of a postponed job that only the list has named', () => {
    const listed = { id: request.job_id, state: 'retrying', run: 1, attempt: 1, error } as const;
    const more = { worker: 'worker-1', submittedAt: at(0), updatedAt: at(2), retryAt: at(7) };
    const job = applyListed(undefined, { ...listed, ...more });
    expect(applyEvent(job, postponed)).toMatchObject({ retryAt: at(5), worker: 'worker-1', error });
  });

  it('gives the same job in any order of arrival, and if events arrive twice', () => {
    const inOrder = after(all);
    expect(after([again, retrying, lost, started, redelivered, queued])).toEqual(inOrder);
    expect(after([started, queued, started, again, lost, redelivered, retrying, queued])).toEqual(inOrder);
  });

  it('names the return of a retrying job, and forgets it when the job starts', () => {
    expect(after([queued, started, retrying])).toMatchObject({ state: 'retrying', retryAt: at(7), error });
    expect(after(all)?.retryAt).toBeUndefined();
  });

  it('begins the steps again with a new run', () => {
    const replayed = queuedEvent({ ...request, run: 2 });
    expect(after([...all, replayed])?.steps).toHaveLength(1);
    expect(after([replayed, ...all])).toMatchObject({ run: 2, state: 'queued' });
  });
});

describe('applyListed', () => {
  const listed = {
    id: request.job_id,
    state: 'completed',
    run: 1,
    attempt: 2,
    submittedAt: at(0),
    updatedAt: at(9),
    name: 'a.png',
  } as const;

  it('is overtaken by no older event', () => {
    const job = applyListed(after([queued]), listed);
    expect(job).toMatchObject({ state: 'completed', attempt: 2 });
    expect(applyEvent(job, started)).toMatchObject({ state: 'completed', attempt: 2 });
  });

  it('changes nothing that events know better', () => {
    expect(applyListed(after(all), { ...listed, state: 'queued', attempt: 1 })).toEqual(after(all));
  });
});
