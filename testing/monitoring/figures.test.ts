import { join } from 'node:path';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitNode } from '../../local/broker/rabbitmq-node.ts';
import { corruptedImage, goodImage, sendOnce } from '../crash-points/client.ts';
import { startLoadSystem, type LoadSystem } from '../system/load-system.ts';
import { readSnapshot, SnapshotWatch } from './watch-ledger.ts';

const TOKEN = 'a-token-that-only-tests-know';
const GOOD = 60;
const CORRUPTED = 5;
const DAMAGED = 3;
/** Until everything has ended, and RabbitMQ's management has told of it. */
const AT_REST = { timeout: 90_000, interval: 250 };
const LIMIT_MS = 240_000;

let system: LoadSystem;
let store: ObjectStore;

beforeAll(async () => {
  system = await startLoadSystem({
    name: 'figures',
    workers: 2,
    slots: 1,
    monitoring: true,
    environment: () =>
      Promise.resolve({
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

const snapshot = () => readSnapshot(system.monitoringUrl ?? '');
const send = (image: typeof goodImage, count: number) =>
  Promise.all(Array.from({ length: count }, () => sendOnce(system.apiUrl, image)));

/** Jobs whose stored original is not what was uploaded, so that every attempt fails in a way that may pass. */
async function sendDamaged(count: number): Promise<string[]> {
  const jobIds = await send(goodImage, count);
  for (const jobId of jobIds) await store.put(originalKey(jobId), Buffer.from('damaged'));
  return jobIds;
}

async function replay(ids: readonly string[]): Promise<void> {
  for (const jobId of ids) await store.put(originalKey(jobId), goodImage.bytes);
  const answer = await fetch(`${system.apiUrl}/dlq/replay`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ ids }),
  });
  expect(answer.status).toBe(202);
}

const untilLedger = (ledger: object) =>
  expect.poll(async () => (await snapshot()).ledger, AT_REST).toMatchObject(ledger);

describe('the figures of a system that works', () => {
  it(
    'account for every job at each refresh: failed, retried, replayed, of workers that were killed',
    async () => {
      await using watch = new SnapshotWatch(system.monitoringUrl ?? '');
      await Promise.all(system.workers.map((worker) => worker.stop()));
      const damaged = await sendDamaged(DAMAGED);
      await send(corruptedImage, CORRUPTED);
      await Promise.all(system.workers.map((worker) => worker.start()));
      for (const worker of system.workers) {
        await send(goodImage, GOOD / 2);
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
      expect(watch.seen.length).toBeGreaterThan(10);
      expect(watch.seen.filter(({ ledger }) => ledger?.unaccounted !== 0)).toEqual([]);
      expect((await snapshot()).totals?.retried).toBe(DAMAGED * 2);
    },
    LIMIT_MS,
  );

  it(
    'are the same after every service and the broker were stopped and started again',
    async () => {
      await Promise.all(system.workers.map((worker) => worker.stop()));
      await send(goodImage, 7);
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
