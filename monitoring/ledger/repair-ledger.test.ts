import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { describe, expect, inject, it } from 'vitest';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { testBroker } from '../../testing/test-broker.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { permitServices } from '../../testing/vhost.ts';
import type { OpenRun } from '../runs/run-tracker.ts';
import { LedgerRepair } from './repair-ledger.ts';

const system = setUpSystem({ lifetime: 'test' });

const ALL = { dry_run: false };
const readyJobs = async () => (await system.broker.queues.inspect(queueNames.process)).ready;

describe('republishing on request', () => {
  it('covers every lost run, and lists the first thousand', async () => {
    const lost = await storedJobs(1_100);
    const repair = await startRepair(lost);
    const result = await repair.republish(ALL);
    expect(result).toMatchObject({ unaccounted: 1_100, republished: 1_100, ended: 0, damaged: 0 });
    expect(result.runs).toHaveLength(1_000);
    const messages = await system.take(queueNames.process, 1_100);
    const ids = messages.map(({ correlationId }) => correlationId ?? '');
    expect(ids.toSorted()).toEqual(lost.map(({ job_id }) => job_id).toSorted());
    expect(messages[0]).toMatchObject({ deliveryNumber: 2, headers: { 'x-run': 1, 'x-attempt': 1 } });
    expect(await repair.republish(ALL)).toMatchObject({ unaccounted: 0, republished: 0 });
    expect(await readyJobs()).toBe(0);
  });

  it('publishes each run once for two requests at the same time', async () => {
    const repair = await startRepair(await storedJobs(20));
    const results = await Promise.all([repair.republish(ALL), repair.republish(ALL)]);
    expect(results.reduce((sum, { republished }) => sum + republished, 0)).toBe(20);
    expect(await readyJobs()).toBe(20);
  });

  it('publishes as many as are certainly lost, the likeliest first', async () => {
    const [first, second] = await storedJobs(2);
    const repair = await startRepair([first, second], { count: 1 });
    expect(await repair.republish(ALL)).toMatchObject({ republished: 1, runs: [{ job_id: first?.job_id }] });
  });

  it('publishes the others if a record is damaged or a run has ended', async () => {
    const [damaged, ended, lost] = await storedJobs(3);
    await system.store.put(requestKey(damaged?.job_id ?? '', 1), Buffer.from('{'));
    if (ended !== undefined) await system.storeJob(ended, completedOutcome(ended));
    const repair = await startRepair([damaged, ended, lost]);
    expect(await repair.republish(ALL)).toEqual({
      dry_run: false,
      unaccounted: 3,
      republished: 1,
      ended: 1,
      damaged: 1,
      left: 0,
      runs: [{ job_id: lost?.job_id, run: 1 }],
    });
  });

  it('publishes only the given jobs, and nothing in a dry run', async () => {
    const [wanted, other] = await storedJobs(2);
    const repair = await startRepair([wanted, other]);
    const ids = [wanted?.job_id ?? '', someRequest().job_id];
    const selected = { unaccounted: 1, republished: 1, runs: [{ job_id: wanted?.job_id, run: 1 }] };
    expect(await repair.republish({ ids, dry_run: true })).toMatchObject({ dry_run: true, ...selected });
    expect(await readyJobs()).toBe(0);
    expect(await repair.republish({ ids, dry_run: false })).toMatchObject(selected);
    expect(await readyJobs()).toBe(1);
  });

  it('returns how many runs are left when its time is over', async () => {
    const repair = await startRepair(await storedJobs(20), { requestMs: 0 });
    const counts = [];
    for (let i = 0; i < 3; i++) counts.push(await repair.republish(ALL));
    expect(counts).toMatchObject([
      { unaccounted: 20, republished: 8, left: 12 },
      { unaccounted: 12, republished: 8, left: 4 },
      { unaccounted: 4, republished: 4, left: 0 },
    ]);
    expect(await readyJobs()).toBe(20);
  });

  it('ends requests in progress when it stops, with the runs that are left', async () => {
    const reading = Promise.withResolvers<undefined>();
    const resume = Promise.withResolvers<undefined>();
    const get: ObjectStore['get'] = async (...args) => {
      reading.resolve(undefined);
      await resume.promise;
      return system.store.get(...args);
    };
    const repair = await startRepair(await storedJobs(20), { store: { get } });
    const ended: string[] = [];
    const request = repair.republish(ALL).finally(() => ended.push('request'));
    await reading.promise;
    const stopped = repair.stop().then(() => ended.push('stop'));
    resume.resolve(undefined);
    expect(await request).toMatchObject({ unaccounted: 20, republished: 8, left: 12 });
    await stopped;
    expect(ended).toEqual(['request', 'stop']);
    expect(await repair.republish(ALL)).toMatchObject({ republished: 0, left: 12 });
  });

  it('continues with the runs that are left after a failure', async () => {
    const lost = await storedJobs(30);
    let reads = 0;
    const get: ObjectStore['get'] = (key, ...options) => {
      if (reads++ === 30) throw new StoreUnavailable('The store is unavailable.');
      return system.store.get(key, ...options);
    };
    const published: OutgoingMessage[] = [];
    const repair = await startRepair(lost, {
      store: { get },
      onPublished: (message) => published.push(message),
    });
    await expect(repair.republish(ALL)).rejects.toThrow(StoreUnavailable);
    const before = published.length;
    expect(before).toBeLessThan(30);
    // Those that RabbitMQ may not have counted yet are not taken for lost.
    expect(await repair.republish(ALL)).toMatchObject({ republished: 30 - before });
    expect(new Set(published.map(({ correlationId }) => correlationId)).size).toBe(30);
    expect(await readyJobs()).toBe(30);
  });
});

/** Jobs with a request and without a message. */
async function storedJobs(count: number): Promise<JobRequest[]> {
  const requests = Array.from({ length: count }, () => someRequest());
  for (const request of requests) await system.storeJob(request);
  return requests;
}

async function startRepair(
  lost: readonly (JobRequest | undefined)[],
  options: {
    count?: number;
    store?: Pick<ObjectStore, 'get'>;
    requestMs?: number;
    onPublished?: (message: OutgoingMessage) => void;
  } = {},
): Promise<LedgerRepair> {
  const candidates = lost.flatMap((request, offset): OpenRun[] => {
    if (request === undefined) return [];
    const { job_id, run } = request;
    return [{ job_id, run, offset, state: 'queued', place: 8, since: 0 }];
  });
  // As its own user, which has few permissions.
  const urlOf = await permitServices(inject('broker'), system.vhost);
  const broker = testBroker(urlOf('monitoring'), { ownsTopology: false });
  system.onTestEnd(() => broker.stop());
  await broker.start();
  const repair = new LedgerRepair({
    store: options.store ?? system.store,
    publisher: {
      publish: async (message) => {
        await broker.publisher.publish(message);
        options.onPublished?.(message);
      },
    },
    suspects: () => [],
    lost: () => ({ count: options.count ?? candidates.length, candidates }),
    repairAfterMs: Infinity,
    ...(options.requestMs === undefined ? {} : { requestMs: options.requestMs }),
    onFound: () => undefined,
    log: createLogger('test', { level: 'silent', format: 'json' }),
  });
  await repair.start();
  system.onTestEnd(() => repair.stop());
  return repair;
}
