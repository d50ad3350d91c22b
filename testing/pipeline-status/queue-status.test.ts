import { rename, rm, symlink } from 'node:fs/promises';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { completedOutcome, failedOutcome, lifeOf, someRequest, started } from '../job-life.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { queueStatusSchema, type QueueStatus } from '../../api/pipeline-status/queue-status.ts';
import { TOKEN } from '../api-client.ts';
import { askSoon, monitoredAt, urlOf } from './monitored-api.ts';
import { setUpSystem, type TestApi } from '../test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

const withToken = { authorization: `Bearer ${TOKEN}` };
const ask = async (api: TestApi) => {
  const { json, headers } = await askSoon(api, '/queue/status', withToken);
  return { status: queueStatusSchema.strict().parse(json), age: Number(headers.get('age') ?? NaN) };
};
const untilEqual = (api: TestApi, expected: Partial<QueueStatus>) =>
  vi.waitFor(async () => expect((await ask(api)).status).toMatchObject(expected), {
    timeout: 20_000,
    interval: 50,
  });

/** After `publishLoad`. */
const underLoad: Partial<QueueStatus> = {
  queue_size: 3,
  max_queue_size: 5,
  processing: 2,
  max_processing: 2,
  max_concurrent: 2,
  total_processed: 2,
  total_failed: 1,
};

describe('/queue/status', () => {
  it('requires the token, and that one is configured', async () => {
    const api = await system.beginApi(monitoredAt('http://127.0.0.1:9'));
    expect(await api.ask('/queue/status')).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
    const wrong = await api.ask('/queue/status', { headers: { authorization: 'Bearer wrong' } });
    expect(wrong).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
    const without = await system.beginApi({ ...monitoredAt('http://127.0.0.1:9'), API_TOKEN: '' });
    expect(await without.ask('/queue/status', { headers: withToken })).toMatchObject({
      status: 503,
      json: { code: 'token_not_set', detail: expect.stringContaining('openssl rand') as string },
    });
  });

  it('is all zeros before the first job, and has no estimated wait while no worker runs', async () => {
    const monitoring = await system.startMonitoring();
    const api = await system.startApi(monitoredAt(urlOf(monitoring)));
    const idle = {
      queue_size: 0,
      max_queue_size: 0,
      processing: 0,
      max_processing: 0,
      total_processed: 0,
      total_failed: 0,
    };
    // It may be null at first, while RabbitMQ has yet to count the consumers of a queue that was just made.
    await untilEqual(api, { ...idle, max_concurrent: 0, estimated_wait_time: null });
    await system.holdJobs('worker-1', 2);
    await system.holdJobs('worker-2', 3);
    await untilEqual(api, { ...idle, max_concurrent: 5, estimated_wait_time: 0 });
  });

  it('has size, peaks, totals and estimated wait under load, also while monitoring is unavailable', async () => {
    const monitoring = await system.startMonitoring();
    const proxy = await system.proxyBefore(urlOf(monitoring));
    const api = await system.startApi(monitoredAt(proxy.url));
    await publishLoad(api);
    await untilEqual(api, underLoad);
    const { status, age } = await ask(api);
    // Four jobs must end, two at a time, of 50 ms on the average (the failed one took none).
    expect(status.estimated_wait_time).toBe(0.1);
    expect(age).toBeLessThan(3);
    proxy.freeze();
    await vi.waitFor(async () => expect((await ask(api)).age).toBeGreaterThan(3), { timeout: 10_000 });
    expect((await ask(api)).status).toEqual(status);
  });

  it('has no estimated wait while RabbitMQ accepts no jobs', async () => {
    await system.holdJobs('worker-1', 2);
    const monitoring = await system.startMonitoring();
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const api = await system.startApi({ ...monitoredAt(urlOf(monitoring)), RABBITMQ_URL: proxy.url });
    await untilEqual(api, { max_concurrent: 2, estimated_wait_time: 0 });
    await proxy.refuse();
    await untilEqual(api, { max_concurrent: 2, estimated_wait_time: null });
    await proxy.resume();
    await untilEqual(api, { max_concurrent: 2, estimated_wait_time: 0 });
  });

  it('keeps its values when monitoring restarts without the store', async () => {
    const first = await system.startMonitoring();
    const { url } = await system.proxyBefore(urlOf(first));
    const api = await system.startApi(monitoredAt(url));
    await publishLoad(api);
    await untilEqual(api, underLoad);
    const { port } = first;
    await first.stop();
    await rename(system.storeFolder, `${system.storeFolder}-moved`);
    await symlink(system.storeFolder, system.storeFolder);
    onTestFinished(() => rm(system.storeFolder, { recursive: true, force: true }));
    await system.beginMonitoring({ MONITORING_PORT: String(port) });
    await vi.waitFor(async () => expect((await ask(api)).age).toBeGreaterThan(3), { timeout: 10_000 });
    await untilEqual(api, underLoad);
    await rm(system.storeFolder);
    await rename(`${system.storeFolder}-moved`, system.storeFolder);
    await vi.waitFor(async () => expect((await ask(api)).age).toBeLessThan(3), { timeout: 20_000 });
    await untilEqual(api, underLoad);
  });

  it('has the length of the queue if monitoring was never available', async () => {
    await system.enqueue(someRequest(), someRequest());
    const api = await system.startApi(monitoredAt('http://127.0.0.1:9'));
    await vi.waitFor(async () =>
      expect((await ask(api)).status).toEqual({
        queue_size: 2,
        max_queue_size: null,
        processing: null,
        max_processing: null,
        max_concurrent: null,
        total_processed: null,
        total_failed: null,
        estimated_wait_time: null,
      }),
    );
    const nothing = await system.beginApi({
      ...monitoredAt('http://127.0.0.1:9'),
      RABBITMQ_URL: 'amqp://127.0.0.1:9',
    });
    expect(new Set(Object.values((await ask(nothing)).status))).toEqual(new Set([null]));
  });
});

function outcomeAfter75Ms(request: JobRequest): Outcome {
  const outcome = completedOutcome(request);
  return { ...outcome, finished_at: new Date(Date.parse(outcome.finished_at) + 75).toISOString() };
}

/** Two completed, one failed, three waiting and two in progress. */
async function publishLoad(api: TestApi) {
  const [done, also, failed] = [someRequest(), someRequest(), someRequest()];
  const waiting = [someRequest(), someRequest(), someRequest()];
  const inProgress = [someRequest(), someRequest()];
  await system.enqueue(...inProgress, ...waiting);
  await untilEqual(api, { max_queue_size: 5 });
  await system.holdJobs('worker-1', 2);
  await system.publish(
    ...lifeOf(done, outcomeAfter75Ms(done)),
    ...lifeOf(also, outcomeAfter75Ms(also)),
    ...lifeOf(failed, failedOutcome(failed)),
    ...[...waiting, ...inProgress].map(queuedEvent),
    ...inProgress.map((request) => started(request)),
  );
}
