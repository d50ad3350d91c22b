import { exchangeNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { describe, expect, it } from 'vitest';
import { completedOutcome, failedOutcome, lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';

const system = setUpSystem();
const SOON = { timeout: 20_000, interval: 50 };
const LARGEST_RUN = Number.MAX_SAFE_INTEGER;

/** A completed job with all its records and images, whose end the API knows from the log. */
async function completedJob(api: TestApi): Promise<JobRequest> {
  const request = someRequest();
  const outcome = completedOutcome(request);
  await system.store.put(originalKey(request.job_id), Buffer.from('the original'));
  await system.store.put(outcome.result.key, Buffer.alloc(outcome.result.size, 'result'));
  await system.storeJob(request, outcome);
  await system.publish(...lifeOf(request, outcome));
  await untilRead(api);
  return request;
}

/** Everything that was published so far has reached the API. */
async function untilRead(api: TestApi): Promise<void> {
  const marker = someRequest();
  await system.storeJob(marker);
  await system.publish(queuedEvent(marker));
  const newest = async () => (await api.ask('/jobs?limit=1')).json;
  await expect.poll(newest, SOON).toMatchObject({ jobs: [{ job_id: marker.job_id }] });
}

const forgeries = {
  'a second run that is queued': (request: JobRequest) => [queuedEvent({ ...request, run: 2 })],
  'a second run that is in progress': (request: JobRequest) => [started({ ...request, run: 2 })],
  'a second run that failed': (request: JobRequest) => {
    const again = { ...request, run: 2 };
    return [endedEvent(again, failedOutcome(again))];
  },
  'the largest possible run': (request: JobRequest) => lifeOf({ ...request, run: LARGEST_RUN }),
  'another end of the same run': (request: JobRequest) => [endedEvent(request, failedOutcome(request))],
};

describe.each(Object.entries(forgeries))('a forged event that claims %s', (_claim, forge) => {
  it('does not change the status of a completed job, its result or its place in the list', async () => {
    const api = await system.startApi();
    const request = await completedJob(api);
    await system.publish(...forge(request));
    await untilRead(api);
    const listed = (await api.ask('/jobs?limit=100')).json as { jobs: { job_id: string }[] };
    expect(listed.jobs.find(({ job_id }) => job_id === request.job_id)).toMatchObject({
      status: 'completed',
      run: 1,
    });
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({
      status: 'completed',
      run: 1,
      runs: [],
    });
    expect((await api.ask(`/results/${request.job_id}`)).status).toBe(200);
  });

  it('does not change the status of a job whose events a restarted API has not seen', async () => {
    const request = someRequest();
    await system.storeJob(request, completedOutcome(request));
    await system.publish(...forge(request));
    const api = await system.startApi();
    await untilRead(api);
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({ status: 'completed', run: 1 });
  });
});

describe('a forged end of a job that is waiting', () => {
  it.each([completedOutcome, failedOutcome])('is not shown (%o), and its real end is', async (forge) => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    await system.publish(queuedEvent(request), endedEvent(request, forge(request)));
    await untilRead(api);
    expect((await api.ask(`/results/${request.job_id}`)).json).toMatchObject({ code: 'not_ready' });
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({ status: 'queued' });
    const waiting = api.ask(`/status/${request.job_id}?wait=30`);
    await system.storeJob(request, completedOutcome(request));
    await system.publish(endedEvent(request, completedOutcome(request)));
    expect((await waiting).json).toMatchObject({ status: 'completed' });
  });

  it('does not end the long polls for it', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    await system.publish(queuedEvent(request));
    await untilRead(api);
    const waiting = api.ask(`/status/${request.job_id}?wait=30`);
    await system.publish(endedEvent(request, failedOutcome(request)));
    await untilRead(api);
    await system.storeJob(request, completedOutcome(request));
    await system.publish(endedEvent(request, completedOutcome(request)));
    expect((await waiting).json).toMatchObject({ status: 'completed' });
  });
});

it('events of a job that was never accepted are not shown', async () => {
  const api = await system.startApi();
  const request = someRequest();
  await system.publish(...lifeOf(request));
  await untilRead(api);
  expect((await api.ask(`/status/${request.job_id}`)).status).toBe(404);
  expect((await api.ask(`/originals/${request.job_id}`)).status).toBe(404);
});

it.each([
  ['another object', { key: 'KEY' }],
  ['another type', { content_type: 'text/html' }],
])('an end whose result is %s never reaches /results', async (_what, change) => {
  const api = await system.startApi();
  const victim = await completedJob(api);
  const request = someRequest();
  await system.storeJob(request);
  const outcome = completedOutcome(request);
  const result = { ...outcome.result, ...change };
  if (result.key === 'KEY') result.key = requestKey(victim.job_id, 1);
  const { body, ...message } = eventMessage(endedEvent(request, outcome));
  expect(body).toMatchObject({ data: { outcome: { result: outcome.result } } });
  const event = endedEvent(request, outcome);
  await system.broker.publisher.publish({
    ...message,
    exchange: exchangeNames.events,
    body: { ...event, data: { ...event.data, outcome: { ...outcome, result } } },
  });
  await untilRead(api);
  expect((await api.ask(`/results/${request.job_id}`)).json).toMatchObject({ code: 'not_ready' });
});
