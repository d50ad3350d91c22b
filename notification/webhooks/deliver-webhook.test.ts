import { randomBytes } from 'node:crypto';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { webhookBodySchema } from '@image-pipeline/shared/contracts/webhook.ts';
import { failedOutcome, lifeOf, someRequest } from '../../testing/job-life.ts';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, SECRET, webhookSettings } from '../../testing/webhooks.ts';
import { responding, type ReceivedWebhook } from '../../testing/webhook-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);

const verify = (secret: string, { headers, body }: ReceivedWebhook): unknown =>
  new Webhook(secret).verify(
    body,
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  );

describe('the end of a job', () => {
  it('is delivered to a receiver that fails twice, at the third attempt, signed', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob();
    hooks.receiver.respondWith([responding(500), responding(500)]);
    await system.publish(...lifeOf(request).slice(0, 2), end);
    const attempts = await hooks.until(request, 'delivered');

    expect(attempts).toMatchObject([
      { attempt: 1, state: 'retrying', status: 500, error: { code: 'not_accepted' } },
      { attempt: 2, state: 'retrying', status: 500, next_attempt_at: expect.any(String) as unknown },
      { attempt: 3, state: 'delivered', status: 200 },
    ]);
    const { received } = hooks.receiver;
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([`msg_${request.job_id}_1`]),
    );
    for (const webhook of received) {
      expect(webhookBodySchema.strict().parse(verify(SECRET, webhook))).toEqual({
        type: 'job.completed',
        timestamp: end.time,
        data: {
          job_id: request.job_id,
          run: 1,
          attempt: 1,
          status: 'completed',
          status_url: `https://images.example.org/status/${request.job_id}`,
          result: {
            url: `https://images.example.org/results/${request.job_id}`,
            content_type: 'image/jpeg',
            size: 40_000,
            width: 800,
            height: 450,
            sha256: 'a'.repeat(64),
          },
          thumbnail_url: `https://images.example.org/thumbnail/${request.job_id}`,
        },
      });
      expect(() => verify(`whsec_${randomBytes(32).toString('base64')}`, webhook)).toThrow('signature');
      expect(() => verify(SECRET, { ...webhook, body: webhook.body.replace('800', '801') })).toThrow(
        'signature',
      );
    }
  });

  it('is delivered with the reason of a failure', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob({}, failedOutcome);
    await system.publish(end);
    await hooks.until(request, 'delivered');
    expect(webhookBodySchema.parse(JSON.parse(hooks.receiver.received[0]?.body ?? ''))).toMatchObject({
      type: 'job.failed',
      data: { status: 'failed', error: { code: 'undecodable_image' } },
    });
  });

  it('is signed with each secret during a rotation', async () => {
    const other = `whsec_${randomBytes(24).toString('base64')}`;
    await system.startNotification({ ...webhookSettings, WEBHOOK_SECRET: `${SECRET} ${other}` });
    const { request, end } = await hooks.endedJob();
    await system.publish(end);
    await hooks.until(request, 'delivered');
    const [webhook] = hooks.receiver.received;
    for (const secret of [SECRET, other]) {
      expect(webhook && verify(secret, webhook)).toMatchObject({ type: 'job.completed' });
    }
  });

  it('is delivered once, however often the event arrives', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob();
    await system.publish(end, end, end);
    await hooks.until(request, 'delivered');
    await system.publish(end);
    const last = await hooks.endedJob();
    await system.publish(last.end);
    await hooks.until(last.request, 'delivered');
    await expect.poll(() => hooks.depth(queueNames.webhooks)).toBe(0);
    expect(hooks.receiver.received).toHaveLength(2);
    expect(await hooks.attempts(request)).toHaveLength(1);
  });

  it('is delivered again for each run', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob({}, failedOutcome);
    await system.publish(end);
    await hooks.until(request, 'delivered');
    const replay = await hooks.endedJob({ ...request, run: 2 }, failedOutcome);
    await system.publish(replay.end, end);
    await expect.poll(async () => (await hooks.attempts(request)).length).toBe(2);
    expect(hooks.receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      [1, 2].map((run) => `msg_${request.job_id}_${run}`),
    );
  });

  it('is the only event that is delivered, and only if the job has a callback_url', async () => {
    await system.startNotification(webhookSettings);
    const silentJob = someRequest();
    const { request, end } = await hooks.endedJob();
    await system.publish(...lifeOf(silentJob), queuedEvent(request), ...lifeOf(request).slice(1, 2), end);
    await hooks.until(request, 'delivered');
    expect(hooks.receiver.received).toHaveLength(1);
    expect(await hooks.attempts(silentJob)).toEqual([]);
  });

  it('that happened while the service was down is delivered when it is back', async () => {
    const jobs = await Promise.all(Array.from({ length: 5 }, () => hooks.endedJob()));
    await system.publish(...jobs.map(({ end }) => end));
    await system.startNotification(webhookSettings);
    for (const { request } of jobs) await hooks.until(request, 'delivered');
    expect(hooks.receiver.received).toHaveLength(5);
  });
});
