import { healthSchema } from '@image-pipeline/shared/contracts/snapshot.ts';
import { expect, it } from 'vitest';
import { setUpSystem } from '../testing/test-system.ts';

const system = setUpSystem();

it('reports its health: error until it first consumes jobs, then ok', async () => {
  const proxy = await system.proxyBefore(system.vhost.amqpUrl);
  await proxy.refuse();
  const worker = await system.createWorker({ RABBITMQ_URL: proxy.url });
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
