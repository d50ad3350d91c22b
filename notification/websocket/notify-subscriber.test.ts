import { endedEvent, queuedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import {
  completedOutcome,
  failedOutcome,
  lifeOf,
  retrying,
  someRequest,
  started,
} from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { gist } from '../../testing/socket-client.ts';

const system = setUpSystem();

async function store(request: JobRequest, outcome?: Outcome): Promise<void> {
  const { job_id, run } = request;
  await system.store.putIfAbsent(requestKey(job_id, run), jsonBody(request));
  if (outcome !== undefined) await system.store.putIfAbsent(outcomeKey(job_id, run), jsonBody(outcome));
}

describe('a subscriber of one job', () => {
  it('gets queued, started and completed once each and in order', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const client = await system.connect(service, `?job_id=${request.job_id}`);
    expect(gist([await client.next()])).toEqual(['state unknown']);
    const life = lifeOf(request);
    await system.publish(...life);
    expect(await client.take(3)).toMatchObject(life.map((event) => ({ type: 'event', event })));
    expect(await client.rest()).toEqual([]);
  });

  it('may write the job id in capitals: it is the same subscription', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const client = await system.subscribe(service, request.job_id.toUpperCase());
    client.watch(request.job_id);
    expect(gist(await client.take(1))).toEqual(['state unknown']);
    await system.publish(queuedEvent(request));
    expect(await client.next()).toMatchObject({ event: { subject: request.job_id } });
    client.say({ type: 'unsubscribe', job_id: request.job_id.toUpperCase() });
    expect(await client.next()).toEqual({ type: 'unsubscribed', job_id: request.job_id });
    await system.publish(started(request));
    expect(await client.rest()).toEqual([]);
  });

  it('that subscribes later gets the state with its timeline, then only new events', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    const early = await system.subscribe(service, request.job_id);
    await system.publish(queued, begun);
    await early.take(2);
    const late = await system.connect(service, `?job_id=${request.job_id}`);
    expect(await late.next()).toMatchObject({
      type: 'state',
      state: 'processing',
      run: 1,
      attempt: 1,
      timeline: [{ state: 'queued' }, { state: 'processing', worker: 'worker-1' }],
      event_id: early.lastEventId,
    });
    await system.publish(completed);
    expect(gist(await late.take(1))).toEqual(['completed']);
    expect(await late.rest()).toEqual([]);
  });

  it('that subscribes after the end gets the result', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const outcome = completedOutcome(request);
    const early = await system.subscribe(service, request.job_id);
    await system.publish(...lifeOf(request, outcome));
    await early.take(3);
    const late = await system.connect(service, `?job_id=${request.job_id}`);
    const { result, thumbnail, timeline } = outcome;
    expect(await late.next()).toMatchObject({ state: 'completed', result, thumbnail, timeline });
    expect(await late.rest()).toEqual([]);
  });

  it('gets the attempts and the failure of a job that is retried', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const client = await system.subscribe(service, request.job_id);
    const outcome = failedOutcome(request, 2);
    await system.publish(
      queuedEvent(request),
      started(request, 1),
      retrying(request, 1),
      started(request, 2),
      endedEvent(request, outcome),
    );
    expect(gist(await client.take(5))).toEqual(['queued', 'started', 'retrying', 'started', 'failed']);
    const late = await system.connect(service, `?job_id=${request.job_id}`);
    expect(await late.next()).toMatchObject({ state: 'failed', attempt: 2, error: outcome.error });
  });

  it('gets the runs of a replay', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const replay = { ...request, run: 2 };
    const client = await system.subscribe(service, request.job_id);
    await system.publish(...lifeOf(request, failedOutcome(request)), ...lifeOf(replay));
    expect(gist(await client.take(6))).toEqual([
      'queued',
      'started',
      'failed',
      'queued',
      'started',
      'completed',
    ]);
  });

  it('gets events in the order of a job’s life whatever the order of the log, without repeats', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    const client = await system.subscribe(service, request.job_id);
    await system.publish(begun, queued, begun, completed, queued, retrying(request, 1), completed);
    await system.publish(endedEvent(request, failedOutcome(request, 2)), started(request, 2));
    expect(await client.take(3)).toMatchObject([{ event: queued }, { event: begun }, { event: completed }]);
    const next = { ...request, run: 2 };
    await system.publish(queuedEvent(next));
    expect(await client.next()).toMatchObject({ event: queuedEvent(next) });
    expect(await client.rest()).toEqual([]);
  });

  it('may watch several jobs at once, and stop watching one', async () => {
    const service = await system.startNotification();
    const [one, other] = [someRequest(), someRequest()];
    const client = await system.connect(service);
    client.watch(one.job_id);
    client.watch(other.job_id);
    await client.take(2);
    await system.publish(queuedEvent(one), queuedEvent(other));
    expect(await client.take(2)).toMatchObject([{ event: queuedEvent(one) }, { event: queuedEvent(other) }]);
    client.say({ type: 'unsubscribe', job_id: one.job_id });
    expect(await client.next()).toEqual({ type: 'unsubscribed', job_id: one.job_id });
    await system.publish(started(one), queuedEvent({ ...other, run: 2 }));
    expect(await client.next()).toMatchObject({ event: { subject: other.job_id } });
  });
});

describe('a job that is only in the store', () => {
  it('is read from there, then followed', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const outcome = failedOutcome(request);
    await store(request, outcome);
    const client = await system.connect(service, `?job_id=${request.job_id}`);
    expect(await client.next()).toMatchObject({ state: 'failed', error: outcome.error, run: 1 });
    // A repeated end event, as a redelivered job publishes it, is ignored.
    await system.publish(endedEvent(request, outcome), ...lifeOf({ ...request, run: 2 }));
    expect(gist(await client.take(3))).toEqual(['queued', 'started', 'completed']);
    expect(await client.rest()).toEqual([]);
  });

  it('is queued while it has no outcome', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    await store(request);
    const client = await system.connect(service, `?job_id=${request.job_id}`);
    expect(await client.next()).toMatchObject({ state: 'queued', timeline: [{ state: 'queued' }] });
    await system.publish(started(request));
    expect(gist(await client.take(1))).toEqual(['started']);
  });
});

describe('a hundred subscribers of a hundred jobs', () => {
  it('get the events of their jobs', async () => {
    const service = await system.startNotification();
    const requests = Array.from({ length: 100 }, () => someRequest());
    const clients = await Promise.all(
      requests.flatMap(({ job_id }) => [0, 1].map(() => system.subscribe(service, job_id))),
    );
    await Promise.all(requests.map((request) => system.publish(...lifeOf(request))));
    for (const [index, client] of clients.entries()) {
      const messages = await client.take(3);
      expect(gist(messages)).toEqual(['queued', 'started', 'completed']);
      const jobId = requests[Math.floor(index / 2)]?.job_id;
      expect(messages).toMatchObject(Array(3).fill({ event: { subject: jobId } }));
    }
    for (const client of clients) expect(await client.rest()).toEqual([]);
  });
});
