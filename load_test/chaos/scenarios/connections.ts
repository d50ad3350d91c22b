import { setTimeout as sleep } from 'node:timers/promises';
import { smallImages } from '../chaos-image.ts';
import { acceptingAfter } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import { mustHold, type Scenario, type ScenarioContext } from '../scenario.ts';

const JOBS = 60;
const GOAL_MS = 5_000;
/** Longer than two heartbeats of 10 s and the wait for a confirm. */
const HALF_OPEN_MS = 25_000;

export const connectionsClosed: Scenario = {
  name: 'connections-closed',
  fault: 'the broker closes all connections, then the network cuts them, under load',
  async run(context) {
    const { system, client, draw } = context;
    const uploads = uploadOver(client, JOBS, 9, draw);
    await sleep(2_000);
    await system.broker.closeConnections();
    const closed = await publishingAgain(context);
    await sleep(2_000);
    system.broker.network.cut();
    const cut = await publishingAgain(context);
    await uploads;
    return {
      recoveries: [
        { what: 'publishing again: closed', ms: closed, goalMs: GOAL_MS },
        { what: 'cut', ms: cut, goalMs: GOAL_MS },
      ],
    };
  },
};

export const halfOpen: Scenario = {
  name: 'half-open',
  fault: 'TCP connections to the broker stay open and carry nothing for 25 s, under load',
  async run(context) {
    const { system, client, draw } = context;
    const uploads = uploadOver(client, JOBS, 10, draw);
    await sleep(3_000);
    system.broker.network.freeze();
    await sleep(1_000);
    const before = client.notes.length;
    await sleep(HALF_OPEN_MS - 1_000);
    const promised = client.notes.slice(before).filter(({ kind }) => kind === 'accepted');
    mustHold(promised.length === 0, `${promised.length} uploads were accepted without a confirm`);
    await system.broker.network.resume();
    const ms = await publishingAgain(context);
    await uploads;
    return { recoveries: [{ what: 'publishing again', ms, goalMs: GOAL_MS }] };
  },
};

function publishingAgain({ client }: ScenarioContext): Promise<number> {
  const [image] = smallImages;
  if (image === undefined) throw new Error('there are no images');
  return acceptingAfter(client, image);
}
