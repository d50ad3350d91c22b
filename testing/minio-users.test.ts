import { randomUUID } from 'node:crypto';
import type { ServiceUser } from '@image-pipeline/shared/broker/permissions.ts';
import * as keys from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { TOKEN } from './api-client.ts';
import { httpProxy } from './http-proxy.ts';
import { form } from './images.ts';
import { completedOutcome, someRequest } from './job-life.ts';
import { setUpMinioUsers } from './minio-users.ts';
import { setUpSystem } from './test-system.ts';
import { bytesOf, CORRUPTED_IMAGE, GOOD_IMAGE } from './uploads.ts';
import { setUpWebhooks, webhookSettings } from './webhooks.ts';

const SOON = { timeout: 20_000, interval: 50 };
const acceptedSchema = z.object({ job_id: z.string() });

describe.skipIf(inject('minio') === null)('on MinIO (skipped where no server can be had)', () => {
  const minio = setUpMinioUsers();
  const system = setUpSystem();
  const hooks = setUpWebhooks(system);

  it(
    'each service runs with its own user of MinIO, from upload to retention, and is refused nothing',
    { timeout: 120_000 },
    async () => {
      const forbidden: string[] = [];
      await using proxy = await httpProxy(minio.root.endpoint, {
        onResponse: (method, path, status) => {
          if (status === 403) forbidden.push(`${method} ${path}`);
        },
      });
      const settingsOf = (user: ServiceUser) => ({
        STORE: 'minio',
        MINIO_ENDPOINT: proxy.url,
        MINIO_ACCESS_KEY: user,
        MINIO_SECRET_KEY: minio.passwords[user],
        MINIO_BUCKET: minio.bucket,
      });
      const store = await minio.storeAs('root');
      const old = await storeOldJob(store);
      const monitoring = await system.startMonitoring(settingsOf('monitoring'));
      const api = await system.startApi({
        ...settingsOf('api'),
        ...webhookSettings,
        API_TOKEN: TOKEN,
        RETENTION: '2h',
        MONITORING_URL: `http://127.0.0.1:${monitoring.port}`,
      });
      await system.startWorker(settingsOf('worker'));
      await system.startNotification({ ...settingsOf('notification'), ...webhookSettings });

      const upload = async (name: string) => {
        const fields = { operations: 'resize:20x20', callback_url: hooks.receiver.url() };
        const key = { 'Idempotency-Key': randomUUID() };
        const response = await api.upload(form([{ bytes: bytesOf(name), name }], fields), key);
        return acceptedSchema.parse(response.json).job_id;
      };
      const good = await upload(GOOD_IMAGE);
      const corrupted = await upload(CORRUPTED_IMAGE);
      const authorized = { headers: { Authorization: `Bearer ${TOKEN}` } };
      const statusOf = async (id: string) => (await api.ask(`/status/${id}?wait=5`)).json;
      await expect.poll(() => statusOf(good), SOON).toMatchObject({ status: 'completed' });
      await expect.poll(() => statusOf(corrupted), SOON).toMatchObject({ status: 'failed', run: 1 });
      for (const kind of ['results', 'originals', 'thumbnail']) {
        expect((await api.ask(`/${kind}/${good}`)).status).toBe(200);
      }
      await expect.poll(() => hooks.receiver.received.length, SOON).toBe(2);
      await expect.poll(() => store.stat(keys.webhookKey(good, 1)), SOON).toBeDefined();
      await expect.poll(() => store.stat(keys.deadKey(corrupted, 1)), SOON).toBeDefined();

      const replay = await api.replay({ ids: [corrupted] });
      expect(replay.status).toBe(202);
      await expect.poll(() => statusOf(corrupted), SOON).toMatchObject({ status: 'failed', run: 2 });
      await expect.poll(() => store.stat(keys.deadKey(corrupted, 2)), SOON).toBeDefined();
      const ended = async () =>
        (await Array.fromAsync(store.list(keys.replaysPrefix))).filter(({ key }) => key.endsWith('end.json'));
      await expect.poll(ended, SOON).toHaveLength(1);
      await expect.poll(() => Array.fromAsync(store.list(keys.openReplaysPrefix)), SOON).toEqual([]);
      const discarded = await api.ask(`/dlq/messages?id=${corrupted}`, { method: 'DELETE', ...authorized });
      expect(discarded.status).toBe(200);

      await expect.poll(() => store.stat(keys.requestKey(old, 1)), SOON).toBeUndefined();
      await expect.poll(() => objectsOf(store, old), SOON).toEqual([]);
      await expect.poll(() => store.stat(keys.snapshotKey), SOON).toBeDefined();
      expect(forbidden).toEqual([]);
    },
  );
});

/** A job that ended three hours ago, with an object of each kind. */
async function storeOldJob(store: ObjectStore): Promise<string> {
  const ended = Date.now() - 3 * 3_600_000;
  const at = new Date(ended).toISOString();
  const request = someRequest({ job_id: uuidv7({ msecs: ended }), submitted_at: at });
  const outcome = completedOutcome(request);
  const timeline = outcome.timeline.map((entry) => ({ ...entry, at }));
  const id = request.job_id;
  await store.put(keys.requestKey(id, 1), jsonBody(request));
  await store.put(keys.outcomeKey(id, 1), jsonBody({ ...outcome, finished_at: at, timeline }));
  for (const key of [keys.originalKey(id), outcome.result.key, outcome.thumbnail.key]) {
    await store.put(key, Buffer.from('image'));
  }
  return id;
}

async function objectsOf(store: ObjectStore, jobId: string): Promise<string[]> {
  const prefixes = [keys.jobPrefix(jobId), keys.resultsPrefix(jobId), keys.thumbnailsPrefix(jobId)];
  const found: string[] = [];
  for (const prefix of [...prefixes, keys.originalKey(jobId)]) {
    for await (const { key } of store.list(prefix)) found.push(key);
  }
  return found;
}
