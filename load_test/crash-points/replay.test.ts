import { join } from 'node:path';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { testBroker, testLadder } from '@image-pipeline/shared/testing/test-broker.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startArmedSystem, type ArmedSystem, type CrashPoint } from './armed-system.ts';
import { endOf, goodImage, sendOnce } from './client.ts';
import { messagesUnderWay, tracesOf } from './traces.ts';

const TOKEN = 'a-token-that-only-tests-know';
/** A replay whose replica died is noticed after 15 s. */
const TAKEN_OVER = { timeout: 40_000, interval: 500 };

let system: ArmedSystem;
let store: ObjectStore;
let broker: Broker;

beforeAll(async () => {
  const ladder = testLadder.map(({ label }) => label).join(',');
  system = await startArmedSystem({
    RETRY_LADDER: ladder,
    WEBHOOK_RETRY_LADDER: ladder,
    API_TOKEN: TOKEN,
  });
  store = openStore({ kind: 'folder', folder: join(system.folder, 'store') });
  await store.start();
  broker = testBroker(system.node.amqpUrl);
  await broker.start();
});
afterAll(async () => {
  await broker.stop();
  await store.stop();
  await system[Symbol.asyncDispose]();
});

/** A job that failed because its original was away, which is there again. */
async function deadJob(): Promise<string> {
  await system.arm('worker before get originals/');
  const jobId = await sendOnce(system.apiUrl, goodImage);
  // The worker is being started again meanwhile.
  await store.remove(originalKey(jobId));
  await system.afterCrash();
  expect(await endOf(system.apiUrl, jobId)).toMatchObject({ status: 'failed', run: 1 });
  await store.put(originalKey(jobId), goodImage.bytes);
  await expect.poll(() => tracesOf(store, jobId), TAKEN_OVER).toMatchObject({ deadLetters: 1 });
  return jobId;
}

const askForReplay = (jobId: string) =>
  fetch(`${system.apiUrl}/dlq/replay`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ ids: [jobId] }),
  }).then(
    ({ status }) => status,
    () => undefined,
  );

describe('an api that dies in the middle of a replay', () => {
  it.each<CrashPoint>([
    'api before putIfAbsent /runs/2/request.json',
    'api after putIfAbsent /runs/2/request.json',
    'api after publish image.jobs/',
    'api before put dead/',
    'api after put dead/',
  ])(
    '%s: the job is done again once, and its dead letter is gone',
    async (point) => {
      const jobId = await deadJob();
      await system.arm(point);
      expect(await askForReplay(jobId)).toBeOneOf([undefined, 202]);
      await system.afterCrash();
      await expect
        .poll(() => endOf(system.apiUrl, jobId), TAKEN_OVER)
        .toMatchObject({ status: 'completed', run: 2 });
      await expect.poll(async () => (await broker.queues.inspect(queueNames.dead)).ready, TAKEN_OVER).toBe(0);
      await expect.poll(() => messagesUnderWay(system.node), TAKEN_OVER).toEqual({});
      expect(await tracesOf(store, jobId)).toEqual({
        requests: 2,
        outcomes: 2,
        results: 1,
        thumbnails: 1,
        deadLetters: 1,
      });
      expect(await askForReplay(jobId)).toBe(409);
    },
    120_000,
  );
});
