import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import { describe, expect, it } from 'vitest';
import type { CrashPoint } from './armed-system.ts';
import { endOf, goodImage, sendOnce } from './client.ts';
import { givenSystem } from './given-system.ts';
import { messagesUnderWay, tracesOf } from './traces.ts';

const TOKEN = 'a-token-that-only-tests-know';
/** A replay whose replica died is noticed after 15 s. */
const TAKEN_OVER = { timeout: 40_000, interval: 500 };

const given = givenSystem({ API_TOKEN: TOKEN });

/** A job that failed because its original was away, which is there again. */
async function deadJob(): Promise<string> {
  await given.system.arm('worker before get originals/');
  const jobId = await sendOnce(given.system.apiUrl, goodImage);
  // The worker is being started again meanwhile.
  await given.store.remove(originalKey(jobId));
  await given.system.afterCrash();
  expect(await endOf(given.system.apiUrl, jobId)).toMatchObject({ status: 'failed', run: 1 });
  await given.store.put(originalKey(jobId), goodImage.bytes);
  await expect.poll(() => tracesOf(given.store, jobId), TAKEN_OVER).toMatchObject({ deadLetters: 1 });
  return jobId;
}

const askForReplay = (jobId: string) =>
  fetch(`${given.system.apiUrl}/dlq/replay`, {
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
      await given.system.arm(point);
      expect(await askForReplay(jobId)).toBeOneOf([undefined, 202]);
      await given.system.afterCrash();
      await expect
        .poll(() => endOf(given.system.apiUrl, jobId), TAKEN_OVER)
        .toMatchObject({ status: 'completed', run: 2 });
      await expect
        .poll(async () => (await given.broker.queues.inspect(queueNames.dead)).ready, TAKEN_OVER)
        .toBe(0);
      await expect.poll(() => messagesUnderWay(given.system.node), TAKEN_OVER).toEqual({});
      expect(await tracesOf(given.store, jobId)).toEqual({
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
