import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { slowImage } from '../chaos-image.ts';
import {
  acceptingAfter,
  mustHold,
  Skipped,
  uploadOver,
  type Scenario,
  type ScenarioContext,
} from '../scenario.ts';
import { FolderUnderTest, MinioUnderTest } from '../store-under-test.ts';

/** The longest pause of a worker that waits for the store, and 1 s. */
const GOAL_MS = 6_000;

export const storeUnavailable: Scenario = {
  name: 'store-unavailable',
  fault: 'the store is unavailable for 8 s, under load',
  run: (context) =>
    underLoad(context, async ({ store }) => {
      await store.disconnect();
      await sleep(8_000);
      await store.reconnect();
    }),
};

export const storeFrozen: Scenario = {
  name: 'store-frozen',
  fault: 'the store accepts connections but does not respond for 20 s (timeout: 15 s), under load',
  store: 'minio',
  run: (context) =>
    underLoad(context, async (system) => {
      const { network } = minioOf(system);
      network.freeze();
      await sleep(20_000);
      await network.resume();
    }),
};

export const storeErrors: Scenario = {
  name: 'store-errors',
  fault: 'the store returns 500, then 503, for 4 s each, under load',
  store: 'minio',
  run: (context) =>
    underLoad(context, async (system) => {
      for (const status of [500, 503]) await minioOf(system).whileReturning(status, () => sleep(4_000));
    }),
};

export const storeCut: Scenario = {
  name: 'store-cut',
  fault: 'connections to the store are repeatedly cut in the middle of a body, under load',
  store: 'minio',
  run: (context) =>
    underLoad(context, async (system) => {
      const { network } = minioOf(system);
      for (let cut = 0; cut < 20; cut++) {
        await Promise.race([network.freezeAfter(context.draw(1_000, 60_000)), sleep(1_000)]);
        network.cut();
        await network.resume();
      }
    }),
};

async function underLoad(
  { system, client, draw }: ScenarioContext,
  fault: (system: ScenarioContext['system']) => Promise<void>,
) {
  const uploads = uploadOver(client, 40, 8, draw);
  await sleep(2_000);
  await fault(system);
  const ms = await acceptingAfter(client);
  await uploads;
  return { recoveries: [{ what: 'accepting again', ms, goalMs: GOAL_MS }] };
}

function minioOf({ store }: ScenarioContext['system']): MinioUnderTest {
  if (store instanceof MinioUnderTest) return store;
  throw new Skipped('needs MinIO, whose network can fail');
}

/** The folder is on a small disk of its own, which a large file fills. */
export const storeFull: Scenario = {
  name: 'store-full',
  fault: 'the disk of the store is full for 6 s, under load',
  store: 'folder',
  async run({ system, client, draw }) {
    const { store } = system;
    if (!(store instanceof FolderUnderTest) || !store.canFill) {
      throw new Skipped('only root on Linux can mount a small disk');
    }
    const uploads = uploadOver(client, 30, 8, draw);
    await sleep(2_000);
    await store.fill();
    await sleep(6_000);
    await store.makeRoom();
    await uploads;
    mustHold(
      client.notes.some(({ kind }) => kind === 'refused'),
      'no upload was refused',
    );
    return {};
  },
};

/** Smaller than the upload, which has 300 kB and no room in memory. */
const DISK = 'size=200k';

export const tempFull: Scenario = {
  name: 'temp-full',
  fault:
    'the disk for uploads is full: uploads are rejected and cleaned up, then accepted when there is space',
  async run({ system, client }) {
    const { api, temp } = system.services;
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', temp], { reject: false });
    if (mounted.failed) throw new Skipped('only root on Linux can mount a small disk');
    try {
      await api.restartWith({ UPLOAD_MEMORY_MIB: '0' });
      const note = await client.tryOnce(slowImage);
      mustHold(
        note.kind === 'refused' && note.code === 'out_of_space',
        `the upload was ${note.kind}${'code' in note ? ` (${note.code})` : ''}`,
      );
    } finally {
      await api.signal('SIGTERM');
      await execa('umount', ['-l', temp]);
      await api.restartWith({});
    }
    await client.upload(slowImage);
    return {};
  },
};
