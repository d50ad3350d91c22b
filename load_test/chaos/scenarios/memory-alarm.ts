import { setTimeout as sleep } from 'node:timers/promises';
import { probe } from '../../../local/supervisor/probe.ts';
import { smallImages } from '../chaos-image.ts';
import { acceptingAfter, until } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const JOBS = 60;
const GOAL_MS = 5_000;
/** Longer than two heartbeats: they must go on while nothing is published. */
const ALARM_MS = 22_000;

export const memoryAlarm: Scenario = {
  name: 'memory-alarm',
  fault: 'the broker raises a memory alarm for 22 s, under load',
  async run({ system, client, draw }) {
    const { services, broker } = system;
    const [image] = smallImages;
    if (image === undefined) throw new Error('there are no images');
    const uploads = uploadOver(client, JOBS, 20, draw);
    await sleep(2_000);
    await broker.raiseAlarm();
    const since = performance.now();
    // RabbitMQ says `blocked` to a connection at its next publish only: the load is what makes the api know.
    try {
      await until(async () => !(await probe(services.api.port)).ready, 'the api is not ready', 10_000);
      const note = await client.tryOnce(image);
      mustHold(note.kind === 'refused', `an upload during the alarm was ${note.kind}`);
      await sleep(ALARM_MS - (performance.now() - since));
    } finally {
      await broker.clearAlarm();
    }
    const ms = await acceptingAfter(client, image);
    await uploads;
    return { recoveries: [{ what: 'publishing again', ms, goalMs: GOAL_MS }] };
  },
};
