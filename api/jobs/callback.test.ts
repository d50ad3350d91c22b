import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { viewOfStored } from '@image-pipeline/shared/jobs/job-view.ts';
import { recordWebhookAttempt } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import { requestKey, webhookKey } from '@image-pipeline/shared/store/keys.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { completedOutcome, lifeOf, someRequest } from '../../testing/job-life.ts';
import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { describe, expect, it } from 'vitest';
import { problemSchema } from '../openapi/responses.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { form } from '../../testing/images.ts';
import { acceptedJobSchema } from '../upload/upload-response.ts';
import { readDeliveries } from './status-route.ts';
import { createUnlessUnavailable } from './unless-unavailable.ts';

const system = setUpSystem();
const CALLBACK = 'https://example.org/hook?token=secret-of-uploader';
const setUp = {
  WEBHOOK_SECRET: [`whsec_${'YWJj'.repeat(12)}`],
  WEBHOOK_ALLOWED_HOSTS: parseAllowedReceivers('127.0.0.1'),
};

const upload = (callback_url: string) => form([{}], { callback_url });

describe('an upload with a callback URL', () => {
  it.each([CALLBACK, 'http://127.0.0.1:9000/hook'])('of %s is accepted', async (url) => {
    const api = await system.startApi(setUp);
    const response = await api.upload(upload(url));
    expect(response.status).toBe(202);
    const { job_id } = acceptedJobSchema.parse(response.json);
    const request = await readJson(system.store, requestKey(job_id, 1), jobRequestSchema);
    expect(request?.callback_url).toBe(url);
    expect((await api.ask(`/status/${job_id}`)).json).toMatchObject({ callback: { url, deliveries: [] } });
    expect((await api.ask('/jobs')).bytes.toString()).not.toContain('hook');
  });

  it.each([
    ['http://10.1.2.3/hook', '10.1.2.3', /10\.1\.2\.3 is not public \(private\).*WEBHOOK_ALLOWED_HOSTS/],
    ['http://localhost/hook', 'localhost', /"localhost".*WEBHOOK_ALLOWED_HOSTS/],
    ['http://[::ffff:127.0.0.1]/', '[::ffff:7f00:1]', /not public \(ipv4Mapped\)/],
    ['ftp://example.org/', undefined, /must start with http: or https:/],
    ['/hook', undefined, /an absolute URL/],
  ])('of %s is refused', async (url, seen, detail) => {
    const api = await system.startApi(setUp);
    const before = await system.storedKeys();
    const response = await api.upload(upload(url));
    expect(response.status).toBe(422);
    expect(response.json).toMatchObject({
      code: 'invalid_parameter',
      parameter: 'callback_url',
      detail: expect.stringMatching(detail) as unknown,
      allowed: expect.any(String) as unknown,
    });
    expect(problemSchema.parse(response.json).seen).toBe(seen);
    expect(await system.storedKeys()).toEqual(before);
  });

  it('is refused without a secret, with the command that makes one', async () => {
    const api = await system.startApi();
    const response = await api.upload(upload(CALLBACK));
    expect(response.status).toBe(503);
    expect(response.json).toMatchObject({
      code: 'webhooks_not_set_up',
      detail: expect.stringContaining('openssl rand -base64 32') as unknown,
    });
    expect((await api.upload(upload(''))).status).toBe(202);
  });
});

describe('the status of a job with a webhook', () => {
  const request = someRequest({ callback_url: CALLBACK });
  const common = {
    version: 1,
    webhook_id: `msg_${request.job_id}_1`,
    job_id: request.job_id,
    run: 1,
    event: { id: `${request.job_id}/1/1/job.completed`, type: 'job.completed' },
    at: '2026-01-02T03:04:05.678Z',
    duration_ms: 12,
  } as const;
  const attempt: WebhookAttempt = {
    ...common,
    attempt_id: 'one',
    attempt: 1,
    state: 'retrying',
    status: 500,
    error: { code: 'not_accepted', reason: 'It was 500.' },
    next_attempt_at: '2026-01-02T03:04:09.678Z',
  };
  const dead: WebhookAttempt = {
    ...common,
    attempt_id: 'two',
    attempt: 2,
    state: 'dead',
    error: { code: 'timed_out', reason: 'No response came in time.' },
  };

  it('shows each delivery attempt, and why it was discarded', async () => {
    const api = await system.startApi();
    await system.storeJob(request, completedOutcome(request));
    await system.publish(...lifeOf(request));
    for (const made of [attempt, attempt, dead]) await recordWebhookAttempt(system.store, made);
    await expect
      .poll(async () => (await api.ask(`/status/${request.job_id}`)).json)
      .toMatchObject({ status: 'completed' });
    expect((await api.ask(`/status/${request.job_id}`)).json).toHaveProperty('callback', {
      url: CALLBACK,
      deliveries: [
        {
          event: 'job.completed',
          run: 1,
          attempt: 1,
          at: attempt.at,
          state: 'retrying',
          status: 500,
          error: attempt.error,
          next_attempt_at: attempt.next_attempt_at,
        },
        { event: 'job.completed', run: 1, attempt: 2, at: dead.at, state: 'dead', error: dead.error },
      ],
    });
  });

  it('leaves out an attempt with an unreadable record', async () => {
    const api = await system.startApi();
    const other = someRequest({ callback_url: CALLBACK });
    await system.storeJob(other, completedOutcome(other));
    await system.store.putIfAbsent(webhookKey(other.job_id, 1), Buffer.from('no record'));
    await recordWebhookAttempt(system.store, { ...attempt, job_id: other.job_id });
    const response = await api.ask(`/status/${other.job_id}`);
    expect(response.status).toBe(200);
    expect(response.json).toMatchObject({ callback: { deliveries: [{ attempt: 1, state: 'retrying' }] } });
  });

  it('reads the store only when there can be an attempt, and leaves them out while it is unavailable', async () => {
    const outage = () => {
      throw new StoreUnavailable('The store is unavailable.');
    };
    const unlessUnavailable = createUnlessUnavailable({ timeoutMs: 1_000, maxConcurrent: 1 });
    const sources = { store: { get: outage, list: outage }, unlessUnavailable };
    const ended = viewOfStored(request, completedOutcome(request), []);
    expect(await readDeliveries(ended, sources)).toBeUndefined();
    expect(await readDeliveries(viewOfStored(request, undefined, []), sources)).toEqual([]);
    const other = someRequest();
    expect(await readDeliveries(viewOfStored(other, completedOutcome(other), []), sources)).toEqual([]);
    expect(queuedEvent(other).data.request).not.toHaveProperty('callback_url');
  });
});
