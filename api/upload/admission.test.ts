import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { form } from '../../testing/images.ts';
import { beginningOfUpload, RawClient } from '../../testing/raw-client.ts';
import type { QueueMetrics } from '../pipeline-status/queue-metrics.ts';
import { Admission } from './admission.ts';

const system = setUpSystem();
/** The API samples the queue once a second. */
const SOON = { timeout: 5_000 };

describe('a full queue', () => {
  it('refuses uploads unread, without storing anything, until it is shorter', async () => {
    const api = await system.startApi({ MAX_QUEUE_LENGTH: 3 });
    for (let job = 0; job < 3; job++) expect((await api.upload(form([{}]))).status).toBe(202);
    const before = await system.storedKeys();

    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload(['Content-Length: 1000000', 'Expect: 100-continue']));
    await expect.poll(() => client.received).toContain('queue_full');
    expect(client.received).toMatch(/^HTTP\/1\.1 503 /);
    expect(client.received).not.toContain('100 Continue');
    client.abort();

    const refused = await api.upload(form([{}]));
    expect(refused).toMatchObject({ status: 503, json: { code: 'queue_full', limit: 3, seen: 3 } });
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(await system.storedKeys()).toEqual(before);

    await system.consume(queueNames.process, () => Promise.resolve('ack'));
    await expect.poll(async () => (await api.upload(form([{}]))).status, SOON).toBe(202);
  });

  it('returns Retry-After by the processing times of jobs, and the default without workers', async () => {
    const { ready } = await system.broker.queues.inspect(queueNames.process);
    const api = await system.startApi({ MAX_QUEUE_LENGTH: ready + 1 });
    const request = someRequest();
    const [finishedAt, startedAt] = [0, 10].map((secondsAgo) =>
      new Date(Date.now() - secondsAgo * 1_000).toISOString(),
    );
    const hop = { state: 'processing', at: startedAt ?? '', run: 1, attempt: 1 } as const;
    const outcome = { ...completedOutcome(request), timeline: [hop], finished_at: finishedAt ?? '' };
    await system.publish(endedEvent(request, outcome));
    await expect.poll(async () => (await api.upload(form([{}]))).status, SOON).toBe(503);
    const retryAfter = async () => (await api.upload(form([{}]))).headers.get('retry-after');
    expect(await retryAfter()).toBe('30');
    await system.holdJobs('worker-1', 1);
    await expect.poll(async () => (await api.upload(form([{}]))).status, SOON).toBe(202);
    await expect.poll(retryAfter, SOON).toBe('10');
  });

  it('admits no more uploads of a burst than fit', async () => {
    const { ready } = await system.broker.queues.inspect(queueNames.process);
    const api = await system.startApi({ MAX_QUEUE_LENGTH: ready + 5 });
    const responses = await Promise.all(Array.from({ length: 30 }, () => api.upload(form([{}]))));
    const count = (status: number) => responses.filter((response) => response.status === status).length;
    expect(count(202) + count(503)).toBe(30);
    expect(count(202)).toBeGreaterThan(0);
    expect(count(202)).toBeLessThanOrEqual(5);
  });
});

describe('on a busy machine', () => {
  it('counts the jobs that were accepted while the queue metrics were being read', async () => {
    const { admission, admit } = admissionOf(3);
    await admit(metricsOf(0, -1));
    const requestedAt = performance.now();
    await admit(metricsOf(0, -1));
    // These metrics were requested before the second job was accepted, and do not include it.
    await admit(metricsOf(1, requestedAt));
    admission.next = metricsOf(1, requestedAt);
    await expect(admission.enter()).rejects.toMatchObject({ code: 'queue_full', details: { seen: 3 } });
    admission.next = metricsOf(2, Infinity);
    await expect(admission.enter()).resolves.toBeInstanceOf(Function);
  });

  it('never admits more than the maximum while the broker does not report the queues', async () => {
    const { admission, admit } = admissionOf(3);
    for (let job = 0; job < 3; job++) await admit(undefined);
    await expect(admission.enter()).rejects.toMatchObject({ code: 'queue_full', details: { seen: 3 } });
  });
});

function admissionOf(maxQueueLength: number) {
  let next: QueueMetrics | undefined;
  const made = new Admission({
    maxQueueLength,
    queueMetrics: () => Promise.resolve(next),
    estimates: { secondsFor: () => undefined },
  });
  const admission = {
    set next(metrics: QueueMetrics | undefined) {
      next = metrics;
    },
    enter: () => made.enter(),
  };
  /** Admits one job with these metrics and accepts it. */
  const admit = async (metrics: QueueMetrics | undefined) => {
    next = metrics;
    const leave = await made.enter();
    made.accepted();
    leave();
  };
  return { admission, admit };
}

function metricsOf(ready: number, requestedAt: number): QueueMetrics {
  return Object.assign(new Map([[queueNames.process, { ready, consumers: 1 }]]), { requestedAt });
}
