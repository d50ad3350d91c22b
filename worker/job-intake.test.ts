import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { someRequest } from '../testing/job-life.ts';
import { setUpSystem } from '../testing/test-system.ts';
import { JobIntake } from './job-intake.ts';

const system = setUpSystem();
const queues = [queueNames.process, queueNames.slow];
let finish: PromiseWithResolvers<'ack'>;
let intake: JobIntake;
beforeEach(async () => {
  finish = Promise.withResolvers();
  const onDelivery = () => finish.promise;
  intake = new JobIntake(
    () => queues.map((queue) => system.broker.consumer({ queue, prefetch: 1, onDelivery })),
    Infinity,
  );
  await intake.start();
});
afterEach(async () => {
  finish.resolve('ack');
  await intake.stop();
});

const consumers = () =>
  Promise.all(queues.map(async (queue) => (await system.broker.queues.inspect(queue)).consumers));

it('consumes all its queues, pauses and resumes them together', async () => {
  expect([intake.state, await consumers()]).toEqual(['consuming', [1, 1]]);
  await intake.pause();
  expect([intake.state, await consumers()]).toEqual(['paused', [0, 0]]);
  expect(intake.notConsumingBecause).toBe('paused by a command');
  await intake.resume();
  expect([intake.state, await consumers()]).toEqual(['consuming', [1, 1]]);
  expect(intake.notConsumingBecause).toBeUndefined();
});

it('counts the jobs in progress of all its queues, and finishes them before it has paused', async () => {
  for (const queue of queues) await system.enqueueTo(queue, someRequest());
  await vi.waitFor(() => expect(intake.inFlight).toBe(2), { timeout: 5_000 });
  const paused = intake.pause();
  finish.resolve('ack');
  await paused;
  expect(intake.inFlight).toBe(0);
});

it('says which queue it does not consume', async () => {
  await intake.stop();
  expect(intake.notConsumingBecause).toBe('not consuming image.jobs.process');
});
