import { setTimeout as sleep } from 'node:timers/promises';
import { smallImages } from '../chaos-image.ts';
import { acceptingAfter, until } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const KILLS = 3;

/** What its clients had no answer to was promised to nobody, and is never half-way: the ledger knows. */
export const apiKilled: Scenario = {
  name: 'api-killed',
  fault: 'the api is killed (-9) under load, three times',
  async run({ system, client, draw }) {
    const { api } = system.services;
    const uploads = uploadOver(client, 90, 12, draw);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(draw(1_000, 3_000));
      await api.signal('SIGKILL');
      await sleep(1_000);
      await api.untilReady();
    }
    const [image] = smallImages;
    if (image === undefined) throw new Error('there are no images');
    const ms = await acceptingAfter(client, image);
    await uploads;
    return { recoveries: [{ what: 'accepting again', ms, goalMs: 5_000 }] };
  },
};

/** Its subscribers come back with their last event id; the ledger wants every end told exactly once. */
export const notificationKilled: Scenario = {
  name: 'notification-killed',
  fault: 'the notification service is killed (-9) under load, three times; subscribers resume',
  async run({ system, client, subscriber, draw }) {
    const { notification } = system.services;
    const uploads = uploadOver(client, 90, 12, draw);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(draw(1_000, 3_000));
      await notification.signal('SIGKILL');
      await sleep(1_000);
      await notification.untilReady();
    }
    await uploads;
    await until(() => subscriber.connections > KILLS, 'the subscriber has come back each time');
    return {};
  },
};

const GOAL_MS = 30_000;

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
    return { recoveries: [{ what: 'stopped with exit code 0', ms, goalMs: GOAL_MS }] };
  },
};
