import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { WebhookAttempt } from '../contracts/webhook.ts';
import { StoreUnavailable } from '../errors.ts';
import { webhookKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { openStore } from '../store/open-store.ts';
import { someRequest } from '../../testing/job-life.ts';
import { readWebhookAttempts, recordWebhookAttempt } from './webhook-attempts.ts';

const { job_id } = someRequest();

const made = (attempt_id: string): WebhookAttempt => ({
  version: 1,
  attempt_id,
  webhook_id: `msg_${job_id}_1`,
  job_id,
  run: 1,
  event: { id: `${job_id}/1/1/job.failed`, type: 'job.failed' },
  attempt: 1,
  at: new Date(0).toISOString(),
  duration_ms: 0,
  state: 'delivered',
});

async function openTestStore(): Promise<ObjectStore> {
  const folder = await mkdtemp(join(tmpdir(), 'webhook-attempts-test-'));
  const store = openStore({ kind: 'folder', folder });
  onTestFinished(async () => {
    await store.stop();
    await rm(folder, { recursive: true });
  });
  await store.start();
  return store;
}

test('attempts are kept in order, each once, also if several processes write at the same time', async () => {
  const store = await openTestStore();
  expect(await readWebhookAttempts(store, job_id)).toEqual([]);
  const ids = Array.from({ length: 12 }, (_, index) => `attempt-${index}`);
  for (const id of ids) {
    await recordWebhookAttempt(store, made(id));
    // As after a lost response.
    await recordWebhookAttempt(store, made(id));
  }
  await Promise.all(['a', 'b', 'c'].map((id) => recordWebhookAttempt(store, made(id))));
  const kept = (await readWebhookAttempts(store, job_id)).map(({ attempt_id }) => attempt_id);
  expect(kept.slice(0, 12)).toEqual(ids);
  expect(kept.slice(12).toSorted()).toEqual(['a', 'b', 'c']);
});

test('a malformed record is reported and skipped; its number stays in use', async () => {
  const store = await openTestStore();
  await recordWebhookAttempt(store, made('first'));
  await store.putIfAbsent(webhookKey(job_id, 2), Buffer.from('{"version": 2}'));
  await recordWebhookAttempt(store, made('third'));
  const unreadable: string[] = [];
  const kept = await readWebhookAttempts(store, job_id, ({ message }) => unreadable.push(message));
  expect(kept.map(({ attempt_id }) => attempt_id)).toEqual(['first', 'third']);
  expect(unreadable).toEqual([expect.stringContaining(webhookKey(job_id, 2))]);
});

test('an unavailable store is not a malformed record', async () => {
  const store = await openTestStore();
  await recordWebhookAttempt(store, made('first'));
  const outage = {
    list: (prefix: string) => store.list(prefix),
    get: () => Promise.reject(new StoreUnavailable('It is down.')),
  };
  await expect(readWebhookAttempts(outage, job_id)).rejects.toThrow(StoreUnavailable);
});
