import { setTimeout as sleep } from 'node:timers/promises';
import { smallImages } from '../chaos-image.ts';
import { MinioUnderTest } from '../minio-under-test.ts';
import { acceptingAfter } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import { Skipped, type Scenario, type ScenarioContext } from '../scenario.ts';

const JOBS = 40;
/** The longest pause of a worker that waits for the store, and 1 s. */
const GOAL_MS = 6_000;

export const storeAway: Scenario = {
  name: 'store-away',
  fault: 'the store cannot be reached for 8 s, under load',
  run: (context) =>
    under(context, async ({ store }) => {
      await store.away();
      await sleep(8_000);
      await store.back();
    }),
};

export const storeFrozen: Scenario = {
  name: 'store-frozen',
  fault: 'the store accepts connections but does not respond for 20 s (timeout: 15 s), under load',
  store: 'minio',
  run: (context) =>
    under(context, async (system) => {
      const { network } = minioOf(system);
      network.freeze();
      await sleep(20_000);
      await network.resume();
    }),
};

export const storeIll: Scenario = {
  name: 'store-ill',
  fault: 'the store returns 500, then 503, for 4 s each, under load',
  store: 'minio',
  run: (context) =>
    under(context, async (system) => {
      for (const status of [500, 503]) await minioOf(system).answering(status, () => sleep(4_000));
    }),
};

export const storeCut: Scenario = {
  name: 'store-cut',
  fault: 'connections to the store are repeatedly cut in the middle of a body, under load',
  store: 'minio',
  run: (context) =>
    under(context, async (system) => {
      const { network } = minioOf(system);
      for (let cut = 0; cut < 20; cut++) {
        await Promise.race([network.freezeAfter(context.draw(1_000, 60_000)), sleep(1_000)]);
        network.cut();
        await network.resume();
      }
    }),
};

async function under(context: ScenarioContext, fault: (system: ScenarioContext['system']) => Promise<void>) {
  const { system, client, draw } = context;
  const uploads = uploadOver(client, JOBS, 8, draw);
  await sleep(2_000);
  await fault(system);
  const [image] = smallImages;
  if (image === undefined) throw new Error('there are no images');
  const ms = await acceptingAfter(client, image);
  await uploads;
  return { recoveries: [{ what: 'accepting again', ms, goalMs: GOAL_MS }] };
}

function minioOf({ store }: ScenarioContext['system']): MinioUnderTest {
  if (store instanceof MinioUnderTest) return store;
  throw new Skipped('needs MinIO, whose network can fail');
}
