import { join } from 'node:path';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitNode } from '../../local/broker/rabbitmq-node.ts';
import { ApiClient, TOKEN } from '../api-client.ts';
import { bytesOf, CORRUPTED_IMAGE, GOOD_IMAGE, uploadImage } from '../uploads.ts';
import { startSystem, type System } from '../start-system.ts';
import { readSnapshot, SnapshotWatch } from '../snapshot-watch.ts';

const GOOD = 60;
const CORRUPTED = 5;
const DAMAGED = 3;
/** Until every job has ended and RabbitMQ's management API has counted it. */
const AT_REST = { timeout: 90_000, interval: 250 };
const LIMIT_MS = 240_000;

let system: System;
let store: ObjectStore;

beforeAll(async () => {
  system = await startSystem({
    name: 'metrics',
    workers: 2,
    slots: 1,
    monitoring: true,
    environment: () => ({
      API_TOKEN: TOKEN,
      RETRY_DELAYS: '500ms,1s',
      STATUS_UPDATE_INTERVAL: '1',
      UNACCOUNTED_AFTER: '3',
    }),
  });
  store = openStore({ kind: 'folder', folder: join(system.folder, 'store') });
  await store.start();
}, 120_000);
afterAll(async () => {
  await store.stop();
  await system[Symbol.asyncDispose]();
}, 60_000);

describe('the metrics of a running system', () => {
  it(
    'account for every job at each refresh: failed, retried, replayed, and those of killed workers',
    async () => {
      // Monitoring is ready before its first snapshot has a ledger.
      await untilLedger({ accepted: 0, open: 0 });
      await using watch = new SnapshotWatch(system.monitoringUrl ?? '');
      await Promise.all(system.workers.map((worker) => worker.stop()));
      const damaged = await uploadDamaged(DAMAGED);
      await upload(CORRUPTED_IMAGE, CORRUPTED);
      await Promise.all(system.workers.map((worker) => worker.start()));
      for (const worker of system.workers) {
        await upload(GOOD_IMAGE, GOOD / 2);
        await worker.signal('SIGKILL');
      }
      const accepted = GOOD + CORRUPTED + DAMAGED;
      const failed = CORRUPTED + DAMAGED;
      await untilLedger({ accepted, completed: GOOD, failed, open: 0, in_broker: 0 });
      await replay(damaged);
      await untilLedger({
        accepted: accepted + DAMAGED,
        completed: GOOD + DAMAGED,
        failed,
        open: 0,
        in_broker: 0,
      });
      // One per second; the run takes about ten.
      expect(watch.seen.length).toBeGreaterThan(5);
      expect(watch.seen.filter(({ ledger }) => ledger?.unaccounted !== 0)).toEqual([]);
      expect((await snapshot()).totals?.retried).toBe(DAMAGED * 2);
    },
    LIMIT_MS,
  );

  it(
    'are the same after a restart of every service and the broker',
    async () => {
      await Promise.all(system.workers.map((worker) => worker.stop()));
      await upload(GOOD_IMAGE, 7);
      await expect.poll(async () => (await snapshot()).jobs, AT_REST).toMatchObject({ queued: 7 });
      const before = await snapshot();
      for (const service of system.services) await service.stop();
      await system.node.stop();
      await startRabbitNode({ folder: system.node.folder });
      const others = system.services.filter((service) => !system.workers.includes(service));
      await Promise.all(others.map((service) => service.start()));
      await Promise.all(others.map((service) => service.untilReady()));
      await untilLedger({ open: 7, in_broker: 7, unaccounted: 0 });
      const after = await snapshot();
      expect(after.totals).toEqual(before.totals);
      expect(after.peaks).toEqual(before.peaks);
      await Promise.all(system.workers.map((worker) => worker.start()));
      await untilLedger({
        accepted: before.ledger?.accepted,
        completed: (before.ledger?.completed ?? 0) + 7,
        open: 0,
        in_broker: 0,
        unaccounted: 0,
      });
      expect((await snapshot()).peaks?.waiting).toEqual(before.peaks?.waiting);
    },
    LIMIT_MS,
  );
});

/** Jobs whose original is damaged: every attempt fails with a transient error. */
async function uploadDamaged(count: number): Promise<string[]> {
  const jobIds = await upload(GOOD_IMAGE, count);
  for (const jobId of jobIds) await store.put(originalKey(jobId), Buffer.from('damaged'));
  return jobIds;
}

async function replay(ids: readonly string[]): Promise<void> {
  for (const jobId of ids) await store.put(originalKey(jobId), bytesOf(GOOD_IMAGE));
  expect((await new ApiClient(system.api).replay({ ids })).status).toBe(202);
}

const snapshot = () => readSnapshot(system.monitoringUrl ?? '');
const upload = (image: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => uploadImage(new ApiClient(system.api), image)));

const untilLedger = (ledger: object) =>
  expect.poll(async () => (await snapshot()).ledger, AT_REST).toMatchObject(ledger);
