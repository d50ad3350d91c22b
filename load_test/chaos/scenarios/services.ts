import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFaketime } from '../../../local/install/programs.ts';
import type { RespawnedService } from '../../../testing/respawned-service.ts';
import type { Draw } from '../../draw.ts';
import { slowImage, smallImages } from '../chaos-image.ts';
import { workerOf } from '../faults.ts';
import {
  acceptingAfter,
  mustHold,
  processedAgainAfter,
  Skipped,
  until,
  uploadOver,
  uploadSlow,
  type Scenario,
} from '../scenario.ts';

const WORKER_KILLS = 6;
const SERVICE_KILLS = 3;

/** SIGKILL at random moments under load; the tests of the worker cover each exact moment. */
export const workerKilled: Scenario = {
  name: 'worker-killed',
  fault: 'a worker is killed (-9) with jobs in progress, six times',
  async run({ system, client, subscriber, draw }) {
    const uploads = Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        client.upload(index % 2 === 0 ? slowImage : (smallImages[index % smallImages.length] ?? slowImage)),
      ),
    );
    let longest = 0;
    let interrupted = 0;
    for (let kill = 0; kill < WORKER_KILLS; kill++) {
      const worker = workerOf(system, kill + 1);
      if (kill === WORKER_KILLS / 2) await uploadSlow(client, 20);
      await until(
        () => subscriber.inProgressOf(worker.name).length > 0,
        `${worker.name} has a job in progress`,
      );
      await sleep(draw(0, 400));
      const inProgress = subscriber.inProgressOf(worker.name);
      const at = Date.now();
      await worker.signal('SIGKILL');
      const ms = await processedAgainAfter(system.store.direct, inProgress, at);
      if (ms > 0) interrupted++;
      longest = Math.max(longest, ms);
    }
    await uploads;
    mustHold(interrupted > 0, 'no kill interrupted a job');
    return { recoveries: [{ what: 'a killed worker’s job running again', ms: longest, goalMs: 5_000 }] };
  },
};

/** Two heartbeats of 10 s, and 5 s. */
const FROZEN_GOAL_MS = 25_000;

/** When the worker resumes, it assumes that its jobs are still its own. */
export const workerFrozen: Scenario = {
  name: 'worker-frozen',
  fault: 'a worker is frozen (SIGSTOP) with jobs in progress, and resumed when others have finished them',
  async run({ system, client, subscriber }) {
    const worker = workerOf(system, 1);
    const uploads = uploadSlow(client, 8);
    await until(() => subscriber.inProgressOf(worker.name).length > 0, 'it has a job in progress');
    const inProgress = subscriber.inProgressOf(worker.name);
    const at = Date.now();
    void worker.signal('SIGSTOP');
    try {
      await uploads;
      const ms = await processedAgainAfter(system.store.direct, inProgress, at);
      mustHold(ms > 0, 'the jobs in progress had ended before the worker was frozen');
      return { recoveries: [{ what: 'a frozen worker’s job running again', ms, goalMs: FROZEN_GOAL_MS }] };
    } finally {
      void worker.signal('SIGCONT');
    }
  },
};

/** An upload without a response may have become a job, but a complete one: the evidence shows it. */
export const apiKilled: Scenario = {
  name: 'api-killed',
  fault: 'the api is killed (-9) under load, three times',
  async run({ system, client, draw }) {
    const uploads = uploadOver(client, 90, 12, draw);
    await killRepeatedly(system.services.api, draw);
    const ms = await acceptingAfter(client);
    await uploads;
    return { recoveries: [{ what: 'accepting again', ms, goalMs: 5_000 }] };
  },
};

/** Subscribers resume with their last event id: each end must still be notified exactly once. */
export const notificationKilled: Scenario = {
  name: 'notification-killed',
  fault: 'the notification service is killed (-9) under load, three times; subscribers resume',
  async run({ system, client, subscriber, draw }) {
    const uploads = uploadOver(client, 90, 12, draw);
    await killRepeatedly(system.services.notification, draw);
    await uploads;
    await until(() => subscriber.connections > SERVICE_KILLS, 'the subscriber has reconnected each time');
    return {};
  },
};

async function killRepeatedly(service: RespawnedService, draw: Draw): Promise<void> {
  for (let kill = 0; kill < SERVICE_KILLS; kill++) {
    await sleep(draw(1_000, 3_000));
    await service.signal('SIGKILL');
    await sleep(1_000);
    await service.untilReady();
  }
}

export const sigterm: Scenario = {
  name: 'sigterm',
  fault: 'every service is stopped (SIGTERM) under load, one after another',
  async run({ system, client, draw }) {
    const uploads = uploadOver(client, 90, 12, draw);
    let ms = 0;
    for (const service of system.services.services) {
      await sleep(draw(500, 1_500));
      const since = performance.now();
      const exit = await service.signal('SIGTERM');
      ms = Math.max(ms, performance.now() - since);
      mustHold(exit?.code === 0, `${service.name} ended with ${exit?.code ?? exit?.signal ?? 'nothing'}`);
    }
    await uploads;
    return { recoveries: [{ what: 'stopped with exit code 0', ms, goalMs: 30_000 }] };
  },
};

const HALF_AN_HOUR_MS = 30 * 60_000;

/** MinIO rejects requests of a clock that is 15 min wrong, so this scenario uses a folder as store. */
export const clockMoved: Scenario = {
  name: 'clock-moved',
  fault:
    'the clocks of a worker and of the notification service jump forward and back by an hour, under load',
  store: 'folder',
  async run({ system, client, subscriber, draw }) {
    const library = findFaketime();
    if (library === undefined) throw new Skipped('libfaketime is not installed (apt-get install faketime)');
    const { workers, notification, folder } = system.services;
    const clock = join(folder, 'clock');
    await writeFile(clock, '+0');
    const wrong = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    const moved = [...workers.slice(0, 1), notification];
    await Promise.all(moved.map((service) => service.restartWith(wrong)));
    try {
      const uploads = uploadOver(client, 60, 9, draw);
      await sleep(3_000);
      await writeFile(clock, '+1h');
      await sleep(3_000);
      await writeFile(clock, '-1h');
      await uploads;
      const isFarOff = ({ at }: { at: number }) => Math.abs(at - Date.now()) > HALF_AN_HOUR_MS;
      await until(() => subscriber.starts.some(isFarOff), 'a job was started by a wrong clock');
      return {};
    } finally {
      await Promise.all(moved.map((service) => service.restartWith({})));
    }
  },
};
