import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { openReplaysPrefix, originalKey } from '@image-pipeline/shared/store/keys.ts';
import { describe, expect, it } from 'vitest';
import { problemSchema } from '../../api/openapi/responses.ts';
import { TOKEN } from '../api-client.ts';
import { bytesOf, endOf, GOOD_IMAGE, uploadImage } from '../uploads.ts';
import { setUpCrashSystem, type CrashPoint } from './crash-system.ts';

/** A replay whose replica died is noticed after 15 s. */
const TAKEN_OVER = { timeout: 40_000, interval: 500 };

const system = setUpCrashSystem({ API_TOKEN: TOKEN });

/** The code of the problem, `202`, or undefined if the API dies before it responds. */
const startReplay = (jobId: string) =>
  system.api.replay({ ids: [jobId] }).then(
    ({ status, json }) => problemSchema.safeParse(json).data?.code ?? status,
    () => undefined,
  );
/** A replay that is still open refuses all others, and the lengths of quorum queues lag by 5 s. */
const openReplays = () => Array.fromAsync(system.store.list(openReplaysPrefix));

describe('an API that dies during a replay', () => {
  it.each<CrashPoint>([
    'api before putIfAbsent /runs/2/request.json',
    'api after putIfAbsent /runs/2/request.json',
    'api after publish image.jobs/',
    'api before put dead/',
    'api after put dead/',
  ])(
    '%s: the job is replayed once, and its dead letter is gone',
    async (point) => {
      const jobId = await deadJob();
      await system.arm(point);
      expect(await startReplay(jobId)).toBeOneOf([undefined, 202]);
      await system.afterCrash();
      await expect
        .poll(() => endOf(system.api, jobId), TAKEN_OVER)
        .toMatchObject({ status: 'completed', run: 2 });
      await expect
        .poll(async () => (await system.broker.queues.inspect(queueNames.dead)).ready, TAKEN_OVER)
        .toBe(0);
      await expect.poll(openReplays, TAKEN_OVER).toEqual([]);
      await expect.poll(() => system.messagesInFlight(), TAKEN_OVER).toEqual({});
      expect(await system.objectsOf(jobId)).toEqual({
        requests: 2,
        outcomes: 2,
        results: 1,
        thumbnails: 1,
        deadLetters: 1,
      });
      expect(await startReplay(jobId)).toBe('not_in_dlq');
    },
    120_000,
  );
});

/** A job that failed because its original was missing, which is back. */
async function deadJob(): Promise<string> {
  await system.arm('worker before get originals/');
  const jobId = await uploadImage(system.api, GOOD_IMAGE);
  // Before the worker has restarted.
  await system.store.remove(originalKey(jobId));
  await system.afterCrash();
  expect(await endOf(system.api, jobId)).toMatchObject({ status: 'failed', run: 1 });
  await system.store.put(originalKey(jobId), bytesOf(GOOD_IMAGE));
  await expect.poll(() => system.objectsOf(jobId), TAKEN_OVER).toMatchObject({ deadLetters: 1 });
  return jobId;
}
