import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReplayKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { testLog } from '../../testing/test-broker.ts';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AbandonedReplays } from './abandoned-replays.ts';
import { endOf, progressOf, type ReplayPlan, ReplayRecords } from './replay-records.ts';

const runState = { jobs: ['replayed' as const], reason: null };
const timing = { heartbeatMs: 50, pollMs: 50, leaseMs: 400 };

function somePlan(): ReplayPlan {
  const runs = [{ job_id: uuidv7(), run: 1 }];
  return { version: 1, replay_id: uuidv7(), started_at: new Date().toISOString(), runs };
}

describe('a replay of another replica', () => {
  let folder: string;
  let store: ObjectStore;
  let records: ReplayRecords;
  const watchers: AbandonedReplays[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'replays-test-'));
    store = openStore({ kind: 'folder', folder });
    await store.start();
    records = new ReplayRecords(store);
  });
  afterEach(async () => {
    await Promise.all(watchers.splice(0).map((watcher) => watcher.stop()));
    await store.stop();
    await rm(folder, { recursive: true });
  });

  it('is left alone while its heartbeat goes on, and taken over when it stops', async () => {
    const plan = somePlan();
    await records.create(plan, progressOf(plan, runState, 'other'));
    const takenOverIds = await takenOver();
    const until = performance.now() + 2 * timing.leaseMs;
    await vi.waitFor(
      async () => {
        await records.write(progressOf(plan, runState, 'other'));
        expect(performance.now()).toBeGreaterThan(until);
      },
      { timeout: 5_000, interval: 20 },
    );
    expect(takenOverIds).toEqual([]);
    await vi.waitFor(() => expect(takenOverIds).toEqual([plan.replay_id]), { timeout: 5_000 });
  });

  it('is taken over at once if its replica stopped, by only one of several', async () => {
    const plan = somePlan();
    await records.create(plan, progressOf(plan, runState, null));
    const takenOverIds = await takenOver(3);
    await vi.waitFor(() => expect(takenOverIds).toEqual([plan.replay_id]));
  });

  it('with unreadable records is closed, so that others can begin', async () => {
    const plan = somePlan();
    await records.create(plan, progressOf(plan, runState, 'other'));
    await store.put(openReplayKey(plan.replay_id), Buffer.from('{'));
    const takenOverIds = await takenOver();
    await vi.waitFor(async () => expect(await records.open()).toEqual([]), { timeout: 5_000 });
    expect(takenOverIds).toEqual([]);
  });

  it('that has ended is closed if its replica died before closing it', async () => {
    const plan = somePlan();
    await records.create(plan, progressOf(plan, runState, 'other'));
    await records.end(endOf(plan, runState, 'other'));
    await records.write(progressOf(plan, runState, 'other'));
    const takenOverIds = await takenOver();
    await vi.waitFor(async () => expect(await records.progress(plan.replay_id)).toBeUndefined());
    expect(takenOverIds).toEqual([]);
    expect(await records.find(plan.replay_id)).toMatchObject({ end: { state: 'done' } });
  });

  /** Starts replicas; returns the ids of the replays that they take over. */
  async function takenOver(count = 1): Promise<string[]> {
    const takenOverIds: string[] = [];
    for (let index = 0; index < count; index++) {
      const watcher = new AbandonedReplays({
        records,
        runner: `watcher-${index}`,
        catchUp: () => Promise.resolve(),
        isOurs: (id) => takenOverIds.includes(id),
        onTakenOver: ({ replay_id }) => takenOverIds.push(replay_id),
        timing,
        log: testLog,
      });
      watchers.push(watcher);
      await watcher.start();
    }
    return takenOverIds;
  }
});
