import { setTimeout as delay } from 'node:timers/promises';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { expect, it } from 'vitest';
import { createWorkerMetrics } from './worker-metrics.ts';

it('counts busy seconds while slots are busy, and not afterwards', async () => {
  const metrics = createMetrics('worker');
  const worker = createWorkerMetrics(metrics, 2);
  const busySeconds = async () =>
    Number(/^image_worker_busy_seconds_total (\S+)$/m.exec(await metrics.render())?.[1]);
  const began = performance.now();
  const [first, second] = [worker.takeSlot(), worker.takeSlot()];
  await delay(100);
  const meanwhile = await busySeconds();
  expect(meanwhile).toBeGreaterThan(0.19);
  expect(meanwhile).toBeLessThanOrEqual((2 * (performance.now() - began)) / 1_000);
  first();
  second();
  const afterwards = await busySeconds();
  await delay(50);
  expect(await busySeconds()).toBe(afterwards);
});
