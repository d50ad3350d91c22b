import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exchangeNames,
  queueNames,
  retryQueueName,
  routingKeys,
} from '@image-pipeline/shared/broker/topology.ts';
import { originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { describe, expect, inject, it } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { form, images } from '../../testing/images.ts';
import { BEGINNING_OF_FILE, beginningOfUpload, RawClient } from '../../testing/raw-client.ts';
import type { TestApi } from '../../testing/test-system.ts';

const system = setUpSystem();
/** Long enough for a broker that reconnects with backoff. */
const POLL = { timeout: 15_000, interval: 50 };

async function untilReady(api: TestApi, status: 200 | 503): Promise<void> {
  await expect.poll(async () => (await api.ask('/readyz')).status, POLL).toBe(status);
}

async function untilSaid(client: RawClient, text: string): Promise<void> {
  await expect.poll(() => client.received, POLL).toContain(text);
}

describe('while the broker is unavailable', () => {
  it('from the start, the API responds, refuses uploads unread, and becomes ready once it is back', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const request = someRequest();
    await system.storeJob(request, completedOutcome(request));
    await proxy.refuse();
    const api = await system.beginApi({ RABBITMQ_URL: proxy.url });
    expect((await api.ask('/livez')).status).toBe(200);
    expect((await api.ask('/readyz')).json).toMatchObject({ status: 'not_ready' });
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({ status: 'completed' });
    expect((await api.ask('/jobs')).json).toMatchObject({ code: 'not_caught_up' });
    expect((await api.ask('/metrics')).bytes.toString()).not.toContain('rabbitmq_queue_messages_ready{');

    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload(['Content-Length: 1000000']));
    await untilSaid(client, 'broker_unavailable');
    expect(client.received).toMatch(/^HTTP\/1\.1 503 /);
    expect(client.received).toMatch(/Retry-After: \d+/);
    client.abort();

    await proxy.resume();
    await untilReady(api, 200);
    await expect
      .poll(async () => (await api.ask('/metrics')).bytes.toString(), POLL)
      .toContain(`rabbitmq_queue_messages_ready{queue="${queueNames.process}"} 0`);
  });

  it('since an upload began, the upload is refused and leaves nothing', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const api = await system.startApi({ RABBITMQ_URL: proxy.url });
    const before = await system.storedKeys();
    const bytes = Buffer.concat([
      Buffer.from(BEGINNING_OF_FILE),
      images['image/png'],
      Buffer.from('\r\n--x--\r\n'),
    ]);
    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload([`Content-Length: ${bytes.length}`]));
    await client.send(bytes.subarray(0, 100));
    await proxy.refuse();
    await untilReady(api, 503);
    await client.send(bytes.subarray(100));
    await untilSaid(client, 'broker_unavailable');
    expect(client.received).toMatch(/^HTTP\/1\.1 503 /);
    expect(await system.storedKeys()).toEqual(before);
    client.abort();
    await proxy.resume();
  });

  it('between a message and its confirm, nothing is removed, promised or shown', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const api = await system.startApi({ RABBITMQ_URL: proxy.url }, { confirmTimeoutMs: 300 });
    const before = await system.storedKeys();
    proxy.freeze();
    const response = await api.upload(form([{}]));
    expect(response).toMatchObject({ status: 503, json: { code: 'publish_unconfirmed' } });
    expect(response.json).not.toHaveProperty('job_id');
    const kept = (await system.storedKeys()).filter((key) => !before.includes(key));
    const jobId = kept[0]?.split('/')[1] ?? '';
    expect(kept.toSorted()).toEqual([requestKey(jobId, 1), originalKey(jobId)].toSorted());
    const { jobs } = (await api.ask('/jobs')).json as { jobs: { job_id: string }[] };
    expect(jobs.map((job) => job.job_id)).not.toContain(jobId);
    await proxy.resume();
  });
});

describe('a broker without a queue for jobs', () => {
  it('refuses an upload, which leaves nothing, and gets its queue back', async () => {
    const api = await system.startApi();
    const before = await system.storedKeys();
    const binding = `bindings/${system.vhost.name}/e/${exchangeNames.jobs}/q/${queueNames.process}`;
    await managementCall(inject('broker'), 'DELETE', `${binding}/${routingKeys.process}`);
    expect(await api.upload(form([{}]))).toMatchObject({ status: 503, json: { code: 'broker_unavailable' } });
    expect(await system.storedKeys()).toEqual(before);
    await expect.poll(async () => (await api.upload(form([{}]))).status, { timeout: 5_000 }).toBe(202);
  });
});

describe('while the store is unavailable', () => {
  it('uploads and reads of the store return 503, and work again when it is back', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'api-store-'));
    const folder = join(parent, 'store');
    const api = await system.startApi({ STORE_FOLDER: folder });
    await rename(folder, `${folder}-moved`);
    expect((await api.upload(form([{}]))).json).toMatchObject({ code: 'store_unavailable' });
    expect((await api.ask(`/status/${someRequest().job_id}`)).json).toMatchObject({
      code: 'store_unavailable',
    });
    await untilReady(api, 503);
    await rename(`${folder}-moved`, folder);
    await untilReady(api, 200);
    expect((await api.upload(form([{}]))).status).toBe(202);
    await api.stop();
    await rm(parent, { recursive: true });
  });
});

describe('a broker that refuses the topology', () => {
  it('makes the service fail with the cause', async () => {
    const queue = retryQueueName({ label: '77ms', delayMs: 77 });
    await managementCall(inject('broker'), 'PUT', `queues/${system.vhost.name}/${queue}`, { durable: true });
    const api = await system.beginApi({ RETRY_DELAYS: [{ label: '77ms', delayMs: 77 }] });
    expect((await api.failed).message).toContain(queue);
  });
});
