import { setTimeout as sleep } from 'node:timers/promises';
import { slowImage, smallImages } from '../chaos-image.ts';
import { atWorkAgainAfter, until } from '../recovery-time.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const JOBS = 40;
const KILLS = 6;
const GOAL_MS = 5_000;

/** SIGKILL at random moments under load; the exact moments are tried by the worker's own tests. */
export const workerKilled: Scenario = {
  name: 'worker-killed',
  fault: 'a worker is killed (-9) with jobs in progress, six times',
  async run({ system, client, subscriber, draw }) {
    const { workers } = system.services;
    const uploads = Promise.all(
      Array.from({ length: JOBS }, (_, index) =>
        client.upload(index % 2 === 0 ? slowImage : (smallImages[index % smallImages.length] ?? slowImage)),
      ),
    );
    let longest = 0;
    let hit = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const worker = workers[kill % workers.length];
      if (worker === undefined) throw new Error('there are no workers');
      if (kill === KILLS / 2) await uploadMore();
      await until(
        () => subscriber.inProgressOf(worker.name).length > 0,
        `${worker.name} has a job in progress`,
      );
      await sleep(draw(0, 400));
      const inHand = subscriber.inProgressOf(worker.name);
      const at = Date.now();
      await worker.signal('SIGKILL');
      const ms = await atWorkAgainAfter(system.store.direct, inHand, at);
      if (ms > 0) hit++;
      longest = Math.max(longest, ms);
    }
    await uploads;
    mustHold(hit > 0, 'no kill met a worker with a job in progress');
    return { recoveries: [{ what: 'a killed worker’s job running again', ms: longest, goalMs: GOAL_MS }] };

    async function uploadMore(): Promise<void> {
      await Promise.all(Array.from({ length: JOBS / 2 }, () => client.upload(slowImage)));
    }
  },
};
