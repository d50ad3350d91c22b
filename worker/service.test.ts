import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { healthSchema } from '@image-pipeline/shared/contracts/health.ts';
import { testRetryDelays, testVhost } from '../testing/test-broker.ts';
import { TcpProxy } from '../testing/tcp-proxy.ts';
import { expect, it, onTestFinished } from 'vitest';
import { readWorkerConfig } from './config.ts';
import { createWorker } from './service.ts';

async function givenWorker(amqpUrl: string) {
  const folder = await mkdtemp(join(tmpdir(), 'worker-test-'));
  const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
  const worker = createWorker(
    readWorkerConfig({
      RABBITMQ_URL: amqpUrl,
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      STORE: 'folder',
      STORE_FOLDER: folder,
      MAX_CONCURRENT_JOBS: '1',
      WORKER_PORT: '0',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
    }),
  );
  onTestFinished(async () => {
    await worker.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return worker;
}

it('reports its health: error until it first consumes jobs, then ok', async () => {
  const vhost = await testVhost();
  onTestFinished(() => vhost.delete());
  const proxy = await TcpProxy.to({ host: '127.0.0.1', port: Number(new URL(vhost.amqpUrl).port) });
  onTestFinished(() => proxy.close());
  await proxy.refuse();
  const url = new URL(vhost.amqpUrl);
  url.port = String(proxy.port);
  const worker = await givenWorker(url.href);
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${worker.port}/health`);
    return [response.status, healthSchema.strict().parse(await response.json())];
  };
  const started = worker.start();
  await expect
    .poll(health, { timeout: 10_000 })
    .toEqual([
      503,
      { status: 'error', age_seconds: null, message: expect.stringContaining('RabbitMQ') as string },
    ]);
  await proxy.resume();
  await started;
  await expect
    .poll(health, { timeout: 10_000 })
    .toEqual([200, { status: 'ok', age_seconds: expect.any(Number) as number }]);
});
