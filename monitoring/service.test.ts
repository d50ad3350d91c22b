import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { historySchema, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { errorCodes } from '@image-pipeline/shared/errors.ts';
import {
  completedOutcome,
  failedOutcome,
  lifeOf,
  retrying,
  someRequest,
  started,
} from '../testing/job-life.ts';
import { TOKEN } from '../testing/api-client.ts';
import { describe, expect, it, vi } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { get, putInterval, statusOf, untilStatus } from '../testing/monitoring-client.ts';
import { setUpSystem } from '../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

const metricsOf = async (service: Parameters<typeof get>[0]) => (await get(service, '/metrics')).text();

/** Undefined until the management API has sampled the queue, which may take seconds. */
const queue = ({ queues }: Snapshot, name: string) => queues.find((found) => found.name === name);

const postRepublish = (service: Parameters<typeof get>[0], body: string, token: string) =>
  fetch(`http://127.0.0.1:${service.port}/republish`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}` },
  });

describe('the monitoring service', () => {
  it('shows queues, workers, latencies, failures and the ledger', async () => {
    const service = await system.startMonitoring();
    const [done, failed] = [someRequest(), someRequest()];
    const [waiting, busy, again] = [someRequest(), someRequest(), someRequest()];
    await system.enqueue(waiting, busy, again);
    await system.holdJobs('worker-1', 2);
    await system.publish(
      ...lifeOf(done),
      ...lifeOf(failed, failedOutcome(failed)),
      queuedEvent(waiting),
      queuedEvent(busy),
      started(busy),
      queuedEvent(again),
      started(again),
      retrying(again),
    );
    const snapshot = await untilStatus(service, (seen) => {
      expect(queue(seen, 'image.jobs.process')).toMatchObject({ ready: 1, unacked: 2, consumers: 1 });
      expect(seen.workers).toMatchObject([{ name: 'worker-1', slots: 2, live: true }]);
      expect(seen.totals?.accepted).toBe(5);
    });
    expect(snapshot).toMatchObject({
      sources: { management: { state: 'ok' }, events: { state: 'ok' } },
      dead_letters: { jobs: 0, webhooks: 0 },
      alarms: [],
      totals: { accepted: 5, completed: 1, failed: 1, retried: 1, failed_by_code: { undecodable_image: 1 } },
      ledger: { open: 3, unaccounted: 0, in_broker: 3 },
      latency: { samples: 1, stages: { process: { p50: 0.05 }, store: { p99: 0.003 } } },
      failures_5m: { undecodable_image: 1 },
      jobs: { queued: 1, processing: 1 },
      peaks: { workers: { value: 1 } },
      utilisation: { slots: 2, busy: 1 },
      machine: { platform: `${process.platform} ${process.arch}`, cores: availableParallelism() },
      versions: { node: process.versions.node, rabbitmq: expect.stringMatching(/^\d+\.\d+/) as string },
    });
    expect(snapshot.versions.pipeline).toBe(manifest.version);
    expect(snapshot.throughput.completed_1m).toBeCloseTo(1 / 60);
    expect(snapshot.latency.stages.notify?.p50).toBeLessThan(5);
    // RabbitMQ does not count dead-lettered messages as published.
    expect(queue(snapshot, 'image.jobs.dead')?.publish_rate).toBeNull();
    const metrics = await metricsOf(service);
    expect(metrics).not.toContain('rabbitmq_queue_messages_published_total{queue="image.jobs.dead"}');
    expect(metrics).toContain('rabbitmq_queue_messages_unacked{queue="image.jobs.process"} 2');
    expect(metrics).toContain('image_jobs_accepted_total 5');
    expect(metrics).toContain('image_jobs_unaccounted 0');
    expect(metrics).not.toContain(done.job_id);
    // Channels report deliveries with a delay.
    const delivered = 'rabbitmq_queue_messages_delivered_ack_total{queue="image.jobs.process"} 2';
    await vi.waitFor(async () => expect(await metricsOf(service)).toContain(delivered), {
      timeout: 20_000,
      interval: 100,
    });
  });

  it('keeps peaks and totals across a restart, and counts events of the downtime once', async () => {
    const first = await system.startMonitoring();
    const requests = Array.from({ length: 6 }, () => someRequest());
    const open = someRequest();
    await system.enqueue(open, ...requests);
    await system.publish(queuedEvent(open), ...requests.map(queuedEvent));
    await untilStatus(first, ({ jobs, peaks }) => {
      expect(jobs.queued).toBe(7);
      expect(peaks?.waiting.value).toBe(7);
    });
    await system.take('image.jobs.process', 6);
    for (const request of requests) {
      const end = request === requests[0] ? failedOutcome(request) : completedOutcome(request);
      await system.publish(...lifeOf(request, end).slice(1));
    }
    const before = await untilStatus(first, ({ totals }) => expect(totals?.completed).toBe(5));
    await first.stop();
    const second = await system.startMonitoring();
    const after = await statusOf(second);
    expect(after.totals).toEqual(before.totals);
    expect(after.peaks).toEqual(before.peaks);
    expect(after.peaks).toMatchObject({ waiting: { value: 7 }, processing: { value: 1 } });
    expect(after.ledger).toMatchObject({ accepted: 7, completed: 5, failed: 1, open: 1, unaccounted: 0 });
    await second.stop();
    await system.publish(...lifeOf(open).slice(1), ...lifeOf(someRequest()));
    const third = await system.startMonitoring();
    expect((await statusOf(third)).ledger).toMatchObject({
      accepted: 8,
      completed: 7,
      open: 0,
      unaccounted: 0,
    });
  });

  it('continues from the stored state after a kill', async () => {
    const first = await system.startMonitoring();
    await system.publish(...lifeOf(someRequest()));
    await untilStatus(first, ({ totals }) => expect(totals?.completed).toBe(1));
    await first.stop();
    const path = join(system.storeFolder, 'state/monitoring.json');
    const old = await readFile(path);
    const second = await system.startMonitoring();
    await system.publish(...lifeOf(someRequest()), queuedEvent(someRequest()));
    await untilStatus(second, ({ totals }) => expect(totals?.accepted).toBe(3));
    await second.stop();
    await writeFile(path, old);
    const third = await system.startMonitoring();
    expect((await statusOf(third)).ledger).toMatchObject({
      accepted: 3,
      completed: 2,
      open: 1,
      unaccounted: 0,
    });
  });
});

it('knows workers and their slots as soon as they consume', async () => {
  const service = await system.startMonitoring();
  await untilStatus(service, (seen) => {
    expect(queue(seen, 'image.jobs.process')).toMatchObject({ ready: 0, consumers: 0 });
  });
  await system.startWorker({ MAX_CONCURRENT_JOBS: '3' });
  const startedAt = performance.now();
  await untilStatus(service, (seen) => {
    expect(seen.workers).toMatchObject([{ name: 'worker-1', slots: 3, live: true }]);
    expect(queue(seen, 'image.jobs.process')).toMatchObject({ consumers: 1 });
  });
  // The management API takes up to 5 s.
  expect(performance.now() - startedAt).toBeLessThan(2_500);
});

describe('while RabbitMQ is unreachable', () => {
  it('reports that its events are out of date', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const service = await system.startMonitoring({ RABBITMQ_URL: proxy.url });
    await system.publish(...lifeOf(someRequest()));
    await untilStatus(service, ({ totals }) => expect(totals?.completed).toBe(1));
    await proxy.refuse();
    const outage = { state: 'unavailable', reason: 'the event log is not being followed' };
    await untilStatus(service, ({ sources }) => expect(sources.events).toMatchObject(outage));
    expect(await statusOf(service)).toMatchObject({
      totals: { completed: 1 },
      sources: { management: { state: 'ok' } },
    });
    const metrics = await metricsOf(service);
    expect(metrics).toContain('image_jobs_completed_total 1');
    expect(metrics).not.toMatch(/^image_jobs_open/m);
    await proxy.resume();
    await untilStatus(service, ({ sources }) => expect(sources.events.state).toBe('ok'));
  });
});

describe('while RabbitMQ’s management API is unavailable', () => {
  it('responds at once with the last known metrics and their age, and recovers afterwards', async () => {
    const proxy = await system.proxyBefore(system.vhost.managementUrl);
    await system.holdJobs('worker-1', 2);
    const service = await system.startMonitoring(
      { RABBITMQ_MANAGEMENT_URL: proxy.url },
      { managementTimeoutMs: 300 },
    );
    await untilStatus(service, ({ workers }) => expect(workers).toHaveLength(1));
    expect(await (await get(service, '/health')).json()).toMatchObject({ status: 'ok' });
    for (const fault of ['freeze', 'refuse'] as const) {
      await proxy[fault]();
      const outage = await untilStatus(service, ({ sources }) =>
        expect(sources.management.state).toBe('unavailable'),
      );
      expect(outage.workers).toMatchObject([{ name: 'worker-1', live: true }]);
      expect(queue(outage, 'image.jobs.process')).toBeDefined();
      expect(outage.sources.management.age_seconds).toBeGreaterThan(0);
      expect(outage.sources.events.state).toBe('ok');
      expect(await metricsOf(service)).toContain('image_monitoring_source_up{source="management"} 0');
      expect(await metricsOf(service)).toContain('image_monitoring_source_up{source="events"} 1');
      const requestedAt = performance.now();
      await Promise.all(Array.from({ length: 100 }, () => statusOf(service)));
      expect(performance.now() - requestedAt).toBeLessThan(1_000);
      expect(await metricsOf(service)).not.toMatch(
        /^(rabbitmq_queue_messages_unacked|image_workers\w*)\b.* \d/m,
      );
      // RabbitMQ itself returns the length of its queues.
      expect(await metricsOf(service)).toContain(
        'rabbitmq_queue_messages_ready{queue="image.jobs.process"} 0',
      );
      await proxy.resume();
      await untilStatus(service, ({ sources }) => expect(sources.management.state).toBe('ok'));
    }
  });

  it('responds before the first sample, and reports that nothing is known', async () => {
    const service = await system.beginMonitoring({ RABBITMQ_MANAGEMENT_URL: 'http://127.0.0.1:9' });
    const { sources, queues } = await statusOf(service);
    expect(sources.management.state).toBe('never');
    expect(queues).toEqual([]);
    expect(await metricsOf(service)).not.toMatch(/^(rabbitmq_alarms_|image_monitoring_last_sample)\w+ /m);
    const health = await get(service, '/health');
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: 'error', age_seconds: null });
  });

  it('responds while the store is unavailable, and restores the totals afterwards', async () => {
    const first = await system.startMonitoring();
    await system.publish(...lifeOf(someRequest()));
    await untilStatus(first, ({ totals }) => expect(totals?.completed).toBe(1));
    await first.stop();
    await rename(system.storeFolder, `${system.storeFolder}-moved`);
    await symlink(system.storeFolder, system.storeFolder);
    await system.holdJobs('worker-1', 2);
    const service = await system.beginMonitoring();
    await untilStatus(service, ({ workers }) => expect(workers).toMatchObject([{ slots: 2, live: true }]));
    expect((await statusOf(service)).totals).toBeNull();
    expect(await metricsOf(service)).toContain('image_monitoring_source_up{source="events"} 0');
    // A 0 now would be a counter reset, followed by an increase by all jobs ever completed.
    expect(await metricsOf(service)).not.toMatch(/^image_jobs_(completed|failed)_total\b/m);
    await rm(system.storeFolder);
    await rename(`${system.storeFolder}-moved`, system.storeFolder);
    await untilStatus(service, ({ sources }) => expect(sources.events.state).toBe('ok'));
    expect((await statusOf(service)).totals?.completed).toBe(1);
    const metrics = await metricsOf(service);
    expect(metrics).toMatch(/^image_jobs_completed_total 1$/m);
    expect(metrics).toMatch(/^image_jobs_failed_total\{code="undecodable_image"\} 0$/m);
  });
});

describe('GET /history', () => {
  it('has one sample per refresh, oldest first, and can start at a given time', async () => {
    const service = await system.startMonitoring();
    const waiting = someRequest();
    await system.enqueue(waiting);
    await system.publish(...lifeOf(someRequest()), queuedEvent(waiting));
    const history = await vi.waitFor(
      async () => {
        const response = await get(service, '/history');
        expect(response.status).toBe(200);
        const seen = historySchema.parse(await response.json());
        expect(seen.samples.at(-1)).toMatchObject({ queued: 1, completed: 1, failed: 0 });
        expect(seen.samples.length).toBeGreaterThan(2);
        return seen;
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(history.interval_seconds).toBe(1);
    const times = history.samples.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    expect(new Set(times).size).toBe(times.length);
    const second = times[1] ?? '';
    const later = historySchema.parse(await (await get(service, `/history?since=${second}`)).json());
    expect(later.samples.slice(0, times.length - 1)).toEqual(history.samples.slice(1));
  });

  it('rejects an invalid timestamp', async () => {
    const service = await system.beginMonitoring();
    for (const since of ['yesterday', '', '2026-01-01', '1767268800']) {
      const refused = await get(service, `/history?since=${since}`);
      expect([refused.status, await refused.json()]).toEqual([
        422,
        expect.objectContaining({
          code: 'invalid_parameter',
          instance: '/history',
          detail: expect.stringMatching(/^since: must be an ISO 8601 timestamp/) as string,
        }),
      ]);
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
    }
  });
});

describe('errors', () => {
  it.each([
    ['GET', '/nowhere', 404, 'not_found'],
    ['POST', '/status', 405, 'method_not_allowed'],
    ['GET', '/history?since=yesterday', 422, 'invalid_parameter'],
    ['PUT', '/interval', 401, 'unauthorized'],
  ] as const)('of %s %s are problem details', async (method, path, status, code) => {
    const service = await system.beginMonitoring();
    const response = await fetch(`http://127.0.0.1:${service.port}${path}`, { method });
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect([response.status, await response.json()]).toMatchObject([
      status,
      {
        type: `urn:image-pipeline:problem:${code}`,
        title: errorCodes[code],
        status,
        detail: expect.any(String) as string,
        code,
        instance: path.split('?')[0],
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      },
    ]);
  });
});

describe('PUT /interval', () => {
  it('changes the interval at runtime, with the token', async () => {
    const service = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: '600' });
    const { updated_at } = await statusOf(service);
    for (const [body, token, status, code, members = { detail: expect.any(String) as string }] of [
      ['{"seconds":1}', undefined, 401, 'unauthorized'],
      ['{"seconds":1}', 'wrong', 401, 'unauthorized'],
      [
        '{"seconds":0}',
        TOKEN,
        422,
        'invalid_parameter',
        {
          detail: 'seconds: must be a number from 1 to 3600, but is 0',
          parameter: 'seconds',
          allowed: { minimum: 1, maximum: 3_600 },
        },
      ],
      [
        '{"seconds":"5"}',
        TOKEN,
        422,
        'invalid_parameter',
        {
          detail: 'seconds: must be a number from 1 to 3600, but is "5"',
          parameter: 'seconds',
          allowed: { minimum: 1, maximum: 3_600 },
        },
      ],
      [
        '{"seconds":5,"minutes":1}',
        TOKEN,
        422,
        'invalid_parameter',
        {
          detail: 'minutes: is unknown. Allowed: seconds. Correct its name or remove it',
          parameter: 'minutes',
          allowed: ['seconds'],
        },
      ],
      [
        '[5]',
        TOKEN,
        422,
        'invalid_parameter',
        {
          detail: 'body: must be a JSON object, but is a list of 1 item',
          parameter: 'body',
          allowed: 'a JSON object',
        },
      ],
      ['{', TOKEN, 400, 'malformed_request'],
      ['x'.repeat(2_000), TOKEN, 413, 'body_too_large'],
    ] as const) {
      const refused = await putInterval(service, body, token);
      expect([refused.status, await refused.json()]).toEqual([
        status,
        {
          type: `urn:image-pipeline:problem:${code}`,
          title: errorCodes[code],
          status,
          code,
          ...members,
          instance: '/interval',
          trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        },
      ]);
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
    }
    expect((await statusOf(service)).interval_seconds).toBe(600);
    const changed = await putInterval(service, '{"seconds": 1}', TOKEN);
    expect([changed.status, await changed.json()]).toEqual([
      200,
      expect.objectContaining({ interval_seconds: 1 }),
    ]);
    await untilStatus(service, (seen) => {
      expect(seen.interval_seconds).toBe(1);
      expect(seen.updated_at).not.toBe(updated_at);
    });
  });

  it('keeps the changed interval across restarts, until another one is configured', async () => {
    const first = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: '600' });
    await putInterval(first, '{"seconds": 5}', TOKEN);
    await first.stop();
    for (const [configured, interval] of [
      ['600', 5],
      ['300', 300],
      ['600', 600],
    ] as const) {
      const service = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: configured });
      expect((await statusOf(service)).interval_seconds).toBe(interval);
      await service.stop();
    }
  });

  it('is refused if no token is set', async () => {
    const service = await system.beginMonitoring({ API_TOKEN: '' });
    const refused = await putInterval(service, '{"seconds":1}', TOKEN);
    expect([refused.status, await refused.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'token_not_set' }),
    ]);
  });
});

describe('POST /republish', () => {
  it('requires the token and a valid body', async () => {
    const service = await system.startMonitoring();
    const none = { dry_run: true, unaccounted: 0, republished: 0, ended: 0, damaged: 0, left: 0, runs: [] };
    const accepted = await postRepublish(service, '{"dry_run": true}', TOKEN);
    expect([accepted.status, await accepted.json()]).toEqual([200, none]);
    expect((await postRepublish(service, '{}', 'another')).status).toBe(401);
    expect((await postRepublish(service, '{"ids": []}', TOKEN)).status).toBe(422);
  });
});
