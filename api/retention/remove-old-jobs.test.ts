import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import {
  deadKey,
  idempotencyKey,
  originalKey,
  outcomeKey,
  replayEndKey,
  replayPlanKey,
  requestKey,
  resultKey,
  thumbnailKey,
  webhookKey,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { describeEachStore, type TestStore } from '../../testing/each-store.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { removeOldJobs, type RemovalLimits } from './remove-old-jobs.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.now();
/** What ended before this is removed. Records get the time of the test, so keys and replays need a later one. */
const BEFORE = NOW - 24 * HOUR_MS;
const LATER = NOW + HOUR_MS;
/** A webhook is attempted for ten days. */
const WEBHOOKS_BEFORE = NOW - 240 * HOUR_MS;

function removal(
  store: Parameters<typeof removeOldJobs>[0],
  before: number,
  more: Partial<RemovalLimits> = {},
) {
  return removeOldJobs(store, { before, webhooksBefore: WEBHOOKS_BEFORE, ...more });
}

describeEachStore('removing old jobs', (given) => {
  it('removes every object of a job that has ended, and nothing of others', async () => {
    const removed = await storeJob(given, 48, completedOutcome);
    const kept = [
      await storeJob(given, 48, undefined),
      await storeJob(given, 48, (request) => ({ ...completedOutcome(request), finished_at: hoursAgo(1) })),
      await storeJob(given, 48, failedOutcome, 'dead'),
      await storeJob(given, 48, failedOutcome),
      await storeJob(given, 1, completedOutcome),
    ];
    const before = await given.keysOf('');
    expect(await removal(given.store, BEFORE)).toBe(1);
    expect(await given.keysOf('')).toEqual(before.filter((key) => !key.includes(removed.job_id)));
    for (const { job_id } of kept) expect(before.some((key) => key.includes(job_id))).toBe(true);
    expect(await removal(given.store, BEFORE)).toBe(0);
    await removeAll(given);
  });

  it.each(['removed', 'replayed'] as const)(
    'removes a failed job whose dead letter was %s',
    async (state) => {
      const failed = await storeJob(given, 48, failedOutcome, state);
      if (state === 'replayed') await storeRun({ ...failed, run: 2 }, completedOutcome, 48);
      expect(await removal(given.store, BEFORE)).toBe(1);
      expect(await given.keysOf('')).toEqual([]);
    },
  );

  it('keeps a job whose replay has not ended', async () => {
    const failed = await storeJob(given, 48, failedOutcome, 'replayed');
    await given.store.put(requestKey(failed.job_id, 2), jsonBody({ ...failed, run: 2 }));
    expect(await removal(given.store, BEFORE)).toBe(0);
    await removeAll(given);
  });

  it.each([
    ['keeps a job whose webhook has not been attempted', [], 0],
    ['keeps a job whose webhook is retried', [[1, 'retrying']], 0],
    ['keeps a job whose newest run has not been notified', [[1, 'delivered']], 0, 2],
    [
      'removes a job whose webhook was delivered',
      [
        [1, 'retrying'],
        [1, 'delivered'],
      ],
      1,
    ],
    ['removes a job whose webhook is dead', [[1, 'dead']], 1],
  ] as const)('%s', async (_title, attempts, removed, run: number = 1) => {
    const callback = { callback_url: 'https://example.com/hook' };
    const job = await storeJob(given, 48, completedOutcome, undefined, callback);
    if (run > 1) await storeRun({ ...job, run }, completedOutcome, 48);
    await given.store.remove(webhookKey(job.job_id, 1));
    for (const [index, [ofRun, state]] of attempts.entries()) {
      await given.store.put(webhookKey(job.job_id, index + 1), jsonBody(attemptOf(job, ofRun, state)));
    }
    expect(await removal(given.store, BEFORE)).toBe(removed);
    await removeAll(given);
  });

  it.each([
    ['that was never attempted', undefined, 241, 1],
    ['that was never attempted', undefined, 239, 0],
    ['whose retry never came', 241, 300, 1],
    ['whose retry may still come', 239, 300, 0],
  ])(
    'a webhook %s (%s h ago), of a job that ended %i h ago: removes %i',
    async (_what, attempted, ended, removed) => {
      const callback = { callback_url: 'https://example.com/hook' };
      const job = await storeJob(given, ended, completedOutcome, undefined, callback);
      await given.store.remove(webhookKey(job.job_id, 1));
      if (attempted !== undefined) {
        const attempt = { ...attemptOf(job, 1, 'retrying'), at: hoursAgo(attempted) };
        await given.store.put(webhookKey(job.job_id, 1), jsonBody(attempt));
      }
      expect(await removal(given.store, BEFORE)).toBe(removed);
      await removeAll(given);
    },
  );

  it('removes several jobs at the same time', async () => {
    const jobs = [await storeJob(given, 48, completedOutcome), await storeJob(given, 48, completedOutcome)];
    const waiting = new Set(jobs.map(({ job_id }) => job_id));
    const all = Promise.withResolvers<undefined>();
    const { store } = given;
    const together = {
      ...reading(store),
      remove: async (key: string) => {
        waiting.delete(key.split('/')[1] ?? '');
        if (waiting.size === 0) all.resolve(undefined);
        await all.promise;
        await store.remove(key);
      },
    };
    expect(await removal(together, BEFORE)).toBe(2);
    expect(await given.keysOf('')).toEqual([]);
  });

  it('keeps a job that is replayed after it was listed', async () => {
    await storeJob(given, 49, completedOutcome);
    const failed = await storeJob(given, 48, failedOutcome, 'replayed');
    const { store } = given;
    const replaying = {
      ...reading(store),
      remove: store.remove.bind(store),
      list: async function* (prefix: string) {
        for await (const object of store.list(prefix)) {
          if (prefix === 'jobs/' && object.key === outcomeKey(failed.job_id, 1)) {
            await store.put(requestKey(failed.job_id, 2), jsonBody({ ...failed, run: 2 }));
          }
          yield object;
        }
      },
    };
    expect(await removal(replaying, BEFORE)).toBe(1);
    expect(await store.stat(requestKey(failed.job_id, 1))).toBeDefined();
    await removeAll(given);
  });

  it('keeps a job that is replayed while it is examined', async () => {
    const failed = await storeJob(given, 48, failedOutcome, 'dead');
    const { store } = given;
    const replaying = {
      ...reading(store),
      remove: store.remove.bind(store),
      get: async (key: string) => {
        const found = await store.get(key);
        if (key !== deadKey(failed.job_id, 1)) return found;
        await store.put(requestKey(failed.job_id, 2), jsonBody({ ...failed, run: 2 }));
        await store.put(key, jsonBody(deadLetterOf(failed, 'replayed')));
        return found;
      },
    };
    expect(await removal(replaying, BEFORE)).toBe(0);
    await removeAll(given);
  });

  it('removes old images without a job', async () => {
    const [old, young] = [48, 1].map((hours) => uuidv7({ msecs: NOW - hours * HOUR_MS }));
    const keysOf = (id = '') => [originalKey(id), resultKey(id, 'late', 'png'), thumbnailKey(id, 'late')];
    for (const key of [...keysOf(old), ...keysOf(young), 'originals/other']) {
      await given.store.put(key, Buffer.from('bytes'));
    }
    expect(await removal(given.store, BEFORE)).toBe(0);
    expect(await given.keysOf('')).toEqual([...keysOf(young), 'originals/other'].toSorted());
    await removeAll(given);
  });

  it('removes nothing more once it is to stop', async () => {
    const reserved = someRequest();
    await storeKey('reserved', reserved);
    await storeJob(given, 48, completedOutcome);
    await given.store.put(replayEndKey(uuidv7()), Buffer.from('{}'));
    const before = await given.keysOf('');
    expect(await removal(given.store, LATER, { isStopping: () => true })).toBe(0);
    expect(await given.keysOf('')).toEqual(before);
    await removeAll(given);
  });

  it('keeps a job with a damaged record, and removes others', async () => {
    const damaged = await storeJob(given, 48, completedOutcome);
    await given.store.put(outcomeKey(damaged.job_id, 1), Buffer.from('no JSON'));
    await storeJob(given, 48, completedOutcome);
    expect(await removal(given.store, BEFORE)).toBe(1);
    expect(await given.store.stat(requestKey(damaged.job_id, 1))).toBeDefined();
    await removeAll(given);
  });

  it('removes an idempotency key with its jobs, and keeps all of them while one is needed', async () => {
    const [one, two] = [await storeJob(given, 48, completedOutcome), await storeJob(given, 48, undefined)];
    await storeKey('shared', one, two);
    await storeKey('single', await storeJob(given, 48, completedOutcome));
    const before = await given.keysOf('jobs/');
    expect(await removal(given.store, LATER)).toBe(1);
    expect(await given.keysOf('jobs/')).toHaveLength(before.length - 3);
    expect(await given.keysOf('idempotency/')).toEqual([idempotencyKey('shared')]);
    await given.store.put(outcomeKey(two.job_id, 1), jsonBody(completedOutcome(two)));
    expect(await removal(given.store, LATER)).toBe(2);
    expect(await given.keysOf('')).toEqual([]);
  });

  it('removes a key whose upload was never completed, with its original', async () => {
    const reserved = someRequest();
    await given.store.put(originalKey(reserved.job_id), Buffer.from('original'));
    await storeKey('reserved', reserved);
    await removal(given.store, LATER);
    expect(await given.keysOf('')).toEqual([]);
  });

  it('removes replays that have ended', async () => {
    const [ended, open] = [uuidv7(), uuidv7()];
    for (const key of [replayPlanKey(ended), replayEndKey(ended), replayPlanKey(open)]) {
      await given.store.put(key, Buffer.from('{}'));
    }
    await removal(given.store, LATER);
    expect(await given.keysOf('')).toEqual([replayPlanKey(open)]);
    await removeAll(given);
  });

  it('continues after an interruption at any point', async () => {
    const { job_id } = await storeJob(given, 48, completedOutcome);
    const count = (await given.keysOf('')).length;
    const { store } = given;
    for (let interruptions = 0; interruptions < count; interruptions++) {
      let calls = 0;
      const failing = {
        ...reading(store),
        remove: (key: string) => {
          if (calls++ === 1) throw new StoreUnavailable('interrupted');
          return store.remove(key);
        },
      };
      await removal(failing, BEFORE).catch(() => undefined);
      // Never an outcome that is missing while its request exists.
      const hasRequest = (await store.stat(requestKey(job_id, 1))) !== undefined;
      if (hasRequest) expect(await store.stat(outcomeKey(job_id, 1))).toBeDefined();
    }
    expect(await removal(store, BEFORE)).toBeLessThanOrEqual(1);
    expect(await given.keysOf('')).toEqual([]);
  });

  async function storeRun(request: JobRequest, end: (request: JobRequest) => Outcome, hours: number) {
    const outcome = own(end(request), hours);
    await given.store.put(requestKey(request.job_id, request.run), jsonBody(request));
    await given.store.put(outcomeKey(request.job_id, request.run), jsonBody(outcome));
  }

  async function storeKey(name: string, ...jobs: readonly JobRequest[]) {
    const record = {
      version: 1,
      content_hash: 'a'.repeat(64),
      job_ids: jobs.map(({ job_id }) => job_id),
      submitted_at: hoursAgo(48),
    };
    await given.store.put(idempotencyKey(name), jsonBody(record));
  }
});

function hoursAgo(hours: number): string {
  return new Date(NOW - hours * HOUR_MS).toISOString();
}

/** The outcome with its own time of end, unless a test has set one. */
function own(outcome: Outcome, hours: number): Outcome {
  const isNew = Math.abs(Date.parse(outcome.finished_at) - Date.now()) < 60_000;
  return isNew ? { ...outcome, finished_at: hoursAgo(hours) } : outcome;
}

/** A job with all its objects, submitted and ended so many hours ago. */
async function storeJob(
  { store }: TestStore,
  hours: number,
  end: ((request: JobRequest) => Outcome) | undefined,
  state?: DeadLetter['state'],
  changes: Partial<JobRequest> = {},
): Promise<JobRequest> {
  const request = someRequest({
    ...changes,
    job_id: uuidv7({ msecs: NOW - hours * HOUR_MS }),
    submitted_at: hoursAgo(hours),
  });
  const { job_id } = request;
  await store.put(requestKey(job_id, 1), jsonBody(request));
  if (end !== undefined) await store.put(outcomeKey(job_id, 1), jsonBody(own(end(request), hours)));
  const keys = [
    originalKey(job_id),
    resultKey(job_id, 'a', 'jpg'),
    thumbnailKey(job_id, 'a'),
    webhookKey(job_id, 1),
  ];
  for (const key of keys) await store.put(key, Buffer.from('bytes'));
  if (state !== undefined) await store.put(deadKey(job_id, 1), jsonBody(deadLetterOf(request, state)));
  return request;
}

function deadLetterOf({ job_id, run, submitted_at }: JobRequest, state: DeadLetter['state']): DeadLetter {
  return {
    version: 1,
    job_id,
    run,
    attempts: 1,
    error: { code: 'undecodable_image', reason: 'The bytes cannot be decoded.' },
    death: { reason: 'rejected', queue: 'image.jobs.process', at: submitted_at },
    name: 'sample.jpg',
    operations: ['resize'],
    submitted_at,
    dead_lettered_at: submitted_at,
    state,
  };
}

function attemptOf({ job_id }: JobRequest, run: number, state: WebhookAttempt['state']): WebhookAttempt {
  const at = hoursAgo(48);
  const event = { id: 'event', type: 'job.completed' } as const;
  const ids = { attempt_id: crypto.randomUUID(), webhook_id: 'webhook', job_id };
  return { version: 1, ...ids, run, event, attempt: 1, at, duration_ms: 1, state };
}

function reading(store: ObjectStore): Pick<ObjectStore, 'get' | 'list'> {
  return { get: store.get.bind(store), list: store.list.bind(store) };
}

async function removeAll(given: TestStore): Promise<void> {
  for (const key of await given.keysOf('')) await given.store.remove(key);
}
