import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { idempotencyKey, originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { completedOutcome } from '../../testing/job-life.ts';
import sharp from 'sharp';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { form, images } from '../../testing/images.ts';
import { beginningOfUpload, RawClient } from '../../testing/raw-client.ts';
import type { TestApi } from '../../testing/test-system.ts';
import { acceptedJobSchema } from './upload-response.ts';

const system = setUpSystem();

const upload = (api: TestApi, key: string, body = form([{}])) => api.upload(body, { 'Idempotency-Key': key });

const jobsWaiting = async () => (await system.broker.queues.inspect(queueNames.process)).ready;

describe('an upload with an idempotency key', () => {
  it('that is repeated gives the same job, published once', async () => {
    const api = await system.startApi();
    const before = await jobsWaiting();
    const key = uuidv7();
    const first = await upload(api, key);
    expect(first.status).toBe(202);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await upload(api, `"${key}"`);
    expect(again.status).toBe(202);
    expect(again.json).toEqual(first.json);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await jobsWaiting()).toBe(before + 1);
  });

  it('gives the same job on another replica, and after the job has ended', async () => {
    const [one, other] = [await system.startApi(), await system.startApi()];
    const key = uuidv7();
    const first = await upload(one, key);
    const { job_id } = acceptedJobSchema.parse(first.json);
    const request = await readJson(system.store, requestKey(job_id, 1), jobRequestSchema);
    if (request === undefined) throw new Error('no request');
    await system.storeJob(request, completedOutcome(request));
    await system.publish(endedEvent(request, completedOutcome(request)));
    const before = await jobsWaiting();
    expect((await upload(other, key)).json).toEqual(first.json);
    const later = await system.startApi({}, { eventsReplayed: 1_000 });
    expect((await upload(later, key)).json).toEqual(first.json);
    expect(await jobsWaiting()).toBe(before);
  });

  it.each([
    ['other bytes', form([{ bytes: images['image/gif'] }])],
    ['another name', form([{ name: 'other.png' }])],
    ['other operations', form([{}], { operations: 'filter' })],
    ['one more file', form([{}, {}])],
    ['one more file that is no image', form([{}, { bytes: new Uint8Array([1, 2]) }])],
  ])('is refused when it is repeated with %s', async (_what, other) => {
    const api = await system.startApi();
    const key = uuidv7();
    await upload(api, key);
    const before = await system.storedKeys();
    expect(await upload(api, key, other)).toMatchObject({
      status: 422,
      json: { code: 'idempotency_key_reused' },
    });
    expect(await system.storedKeys()).toEqual(before);
  });

  it.each([
    ['', 0],
    ['a'.repeat(256), 256],
  ])('is refused with an invalid key (%#)', async (key, length) => {
    const api = await system.startApi();
    const response = await upload(api, key);
    expect(response).toMatchObject({ status: 422, json: { code: 'invalid_parameter' } });
    expect(response.bytes.toString()).toContain(`got ${length}`);
  });

  it('is refused if the record of the key is damaged', async () => {
    const api = await system.startApi();
    const key = uuidv7();
    await system.store.put(idempotencyKey(key), Buffer.from('no JSON'));
    expect(await upload(api, key)).toMatchObject({ status: 502, json: { code: 'record_damaged' } });
  });

  it('keeps the result of each file', async () => {
    const api = await system.startApi();
    const key = uuidv7();
    const body = () => form([{}, { name: 'no.txt', bytes: new Uint8Array([1, 2]) }, { name: 'b.png' }]);
    const first = await upload(api, key, body());
    expect(first.json).toMatchObject({
      jobs: [{ file: 'photo.png' }, { error: { code: 'unsupported_type' } }, { file: 'b.png' }],
    });
    expect((await upload(api, key, body())).json).toEqual(first.json);
  });

  it('stores nothing if the image is too costly, and is accepted later with the same key', async () => {
    const strict = await system.startApi({ MAX_ESTIMATED_SECONDS: 1 });
    const api = await system.startApi();
    const key = uuidv7();
    const body = await costlyForm();
    const before = await system.storedKeys();
    expect(await upload(strict, key, body)).toMatchObject({ status: 422, json: { code: 'too_costly' } });
    expect(await system.storedKeys()).toEqual(before);
    const accepted = await upload(api, key, body);
    expect(accepted.status).toBe(202);
    // The limit does not change what was accepted.
    const again = await upload(strict, key, body);
    expect(again.status).toBe(202);
    expect(again.json).toEqual(accepted.json);
  });

  it('gives the same results if one of its images is too costly', async () => {
    const api = await system.startApi({ MAX_ESTIMATED_SECONDS: 1 });
    const key = uuidv7();
    const body = await costlyForm({});
    const first = await upload(api, key, body);
    expect(first).toMatchObject({
      status: 202,
      json: { jobs: [{ error: { code: 'too_costly' } }, { status: 'queued' }] },
    });
    expect((await upload(api, key, body)).json).toEqual(first.json);
  });

  it('is refused unread while the first one is in progress', async () => {
    const api = await system.startApi();
    const key = uuidv7();
    const client = await RawClient.to(api.port);
    const headers = ['Content-Length: 100000', 'Expect: 100-continue', `Idempotency-Key: ${key}`];
    await client.send(beginningOfUpload(headers));
    await expect.poll(() => client.received).toContain('100 Continue');
    expect(await upload(api, key)).toMatchObject({
      status: 409,
      json: { code: 'idempotency_key_in_use' },
    });
    client.abort();
    await expect.poll(async () => (await upload(api, key)).status).toBe(202);
  });

  it('makes one job of many concurrent uploads to two replicas', async () => {
    const [one, other] = [await system.startApi(), await system.startApi()];
    const key = uuidv7();
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, i) => upload(i % 2 === 0 ? one : other, key)),
    );
    const ids = responses.flatMap(({ status, json }) =>
      status === 202 ? [acceptedJobSchema.parse(json).job_id] : [],
    );
    expect(ids.length).toBeGreaterThan(0);
    expect(new Set(ids).size).toBe(1);
    const originals = (await system.storedKeys()).filter((name) => name.startsWith('originals/'));
    const requests = (await system.storedKeys()).filter((name) => name.endsWith('/runs/1/request.json'));
    expect(originals).toContain(originalKey(ids[0] ?? ''));
    expect(originals.length).toBe(requests.length);
  });

  it('completes the job whose publish was not confirmed', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const api = await system.startApi({ RABBITMQ_URL: proxy.url }, { confirmTimeoutMs: 300 });
    const before = await system.storedKeys();
    const key = uuidv7();
    proxy.freeze();
    expect(await upload(api, key)).toMatchObject({ status: 503, json: { code: 'publish_unconfirmed' } });
    const reserved = (await system.storedKeys()).filter((name) => !before.includes(name));
    await proxy.resume();
    const completed = await upload(api, key);
    expect(completed.status).toBe(202);
    expect((await system.storedKeys()).filter((name) => !before.includes(name))).toEqual(reserved);
    expect(reserved).toContain(originalKey(acceptedJobSchema.parse(completed.json).job_id));
  });
});

/** An image that takes more than a second, and other files. */
async function costlyForm(...others: Parameters<typeof form>[0]): Promise<ReturnType<typeof form>> {
  const picture = sharp({ create: { width: 5_000, height: 5_000, channels: 3, background: '#369' } });
  const bytes = new Uint8Array(await picture.png().toBuffer());
  return form([{ bytes }, ...others], { operations: 'filter:invert' });
}
