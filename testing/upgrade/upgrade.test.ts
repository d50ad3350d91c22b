import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { nodeFlags } from '../../local/pipeline/pipeline-plan.ts';
import { freePort } from '../../local/process/free-port.ts';
import { failedOutcome } from '../job-life.ts';
import { RespawnedService } from '../respawned-service.ts';
import { tempFolder } from '../temp-folder.ts';
import { testVhost } from '../test-broker.ts';
import { setUpSystem } from '../test-system.ts';
import { bytesOf, CORRUPTED_IMAGE, endOf, GOOD_IMAGE } from '../uploads.ts';
import { Receiver } from '../webhook-receiver.ts';
import { checkOutEarlierVersion, hasEarlierVersion } from './earlier-version.ts';

const system = setUpSystem({ lifetime: 'test' });
const SECRET = `whsec_${Buffer.from('a'.repeat(32)).toString('base64')}`;
const OLD_QUEUE = 'image.jobs.burial';
const acceptedSchema = z.object({ job_id: z.string() });
const deadSchema = z.object({ messages: z.array(z.object({ job_id: z.string() })) });

describe.runIf(hasEarlierVersion())('a system that an earlier version has left', () => {
  it('finishes its waiting jobs, keeps its dead letters, and loses its old queue', async () => {
    await using folder = await tempFolder();
    const receiver = await Receiver.start();
    system.onTestEnd(() => receiver.stop());
    checkOutEarlierVersion(folder.path);
    // Where this version has declared nothing yet.
    const vhost = await testVhost();
    system.onTestEnd(() => vhost.delete());
    const broker = { RABBITMQ_URL: [vhost.amqpUrl], RABBITMQ_MANAGEMENT_URL: vhost.managementUrl };
    const port = await freePort([], []);
    const earlier = new RespawnedService({
      name: 'api',
      port,
      args: [...nodeFlags, 'api/main.ts'],
      env: {
        PATH: process.env.PATH,
        LOG_LEVEL: 'warn',
        API_PORT: String(port),
        RABBITMQ_URL: vhost.amqpUrl,
        STORE: 'folder',
        STORE_FOLDER: system.storeFolder,
        WEBHOOK_SECRET: SECRET,
        WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
      },
      cwd: folder.path,
      logFile: `${folder.path}/api.log`,
    });
    await earlier.start();
    await earlier.untilReady();
    const upload = async (image: string, fields: Readonly<Record<string, string>> = {}) => {
      const form = new FormData();
      form.set('file', new Blob([bytesOf(image)]), image);
      for (const [name, value] of Object.entries(fields)) form.set(name, value);
      const headers = { 'Idempotency-Key': randomUUID() };
      const response = await fetch(`http://127.0.0.1:${port}/upload`, {
        method: 'POST',
        body: form,
        headers,
      });
      expect(response.status).toBe(202);
      return acceptedSchema.parse(await response.json()).job_id;
    };
    const dead = await upload(CORRUPTED_IMAGE);
    const waiting = await upload(GOOD_IMAGE, { callback_url: receiver.url('/done') });
    await earlier.stop();
    // A worker that fails a job while no API runs: both dead-letter queues of the earlier version get the job.
    const request = await readRequest(system.store, dead, 1);
    if (request === undefined) throw new Error('the earlier version has stored no request');
    await recordOutcome(system.store, failedOutcome(request));
    await rejectNext(vhost.amqpUrl);
    const oldQueue = () => lengthOf(vhost.amqpUrl, OLD_QUEUE);
    await vi.waitFor(async () => expect(await oldQueue()).toBe(1), { timeout: 20_000 });

    const api = await system.startApi(broker);
    await vi.waitFor(async () => expect(await oldQueue()).toBeUndefined(), { timeout: 20_000 });
    await vi.waitFor(
      async () => {
        const { messages } = deadSchema.parse((await api.ask('/dlq/messages')).json);
        expect(messages.map(({ job_id }) => job_id)).toEqual([dead]);
      },
      { timeout: 20_000 },
    );
    await system.startNotification({ ...broker, WEBHOOK_SECRET: SECRET, WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' });
    await system.startWorker(broker);
    expect((await endOf(api, waiting)).status).toBe('completed');
    expect((await endOf(api, dead)).status).toBe('failed');
    await vi.waitFor(() => expect(receiver.received.map(({ path }) => path)).toEqual(['/done']), {
      timeout: 20_000,
    });
  }, 120_000);
});

/** Rejects the first message of the job queue, like a worker. */
async function rejectNext(amqpUrl: string): Promise<void> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createChannel();
  const message = await channel.get('image.jobs.process');
  if (message === false) throw new Error('the job queue is empty');
  channel.reject(message, false);
  await channel.close();
  await connection.close();
}

/** Number of messages of a queue; undefined if it does not exist. */
async function lengthOf(amqpUrl: string, queue: string): Promise<number | undefined> {
  const connection = await connect(amqpUrl);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    return (await channel.checkQueue(queue)).messageCount;
  } catch {
    return undefined;
  } finally {
    await connection.close();
  }
}
