import { setTimeout as sleep } from 'node:timers/promises';
import { smallImages } from '../chaos-image.ts';
import { acceptingAfter } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

const JOBS = 40;
const GOAL_MS = 5_000;

export const brokerRestarted: Scenario = {
  name: 'broker-restarted',
  fault: 'the broker is stopped and started under load',
  run: (context) =>
    withoutBroker(
      context,
      (broker) => broker.stopApp(),
      (broker) => broker.startApp(),
    ),
};

export const brokerKilled: Scenario = {
  name: 'broker-killed',
  fault: 'the broker is killed (-9) under load and started again',
  run: (context) =>
    withoutBroker(
      context,
      (broker) => broker.kill(),
      (broker) => broker.startAgain(),
    ),
};

type Broker = ScenarioContext['system']['broker'];

async function withoutBroker(
  { system, client, draw }: ScenarioContext,
  end: (broker: Broker) => Promise<void>,
  begin: (broker: Broker) => Promise<void>,
) {
  const uploads = uploadOver(client, JOBS, 10, draw);
  await sleep(3_000);
  await end(system.broker);
  await sleep(2_000);
  await begin(system.broker);
  const [image] = smallImages;
  if (image === undefined) throw new Error('there are no images');
  const ms = await acceptingAfter(client, image);
  await uploads;
  return { recoveries: [{ what: 'publishing again', ms, goalMs: GOAL_MS }] };
}
