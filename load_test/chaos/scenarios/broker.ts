import { setTimeout as sleep } from 'node:timers/promises';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { probe } from '../../../local/supervisor/probe.ts';
import { smallImage } from '../chaos-image.ts';
import {
  acceptingAfter,
  mustHold,
  until,
  uploadOver,
  uploadSlow,
  type Scenario,
  type ScenarioContext,
} from '../scenario.ts';

const GOAL_MS = 5_000;

type Broker = ScenarioContext['system']['broker'];

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

async function withoutBroker(
  { system, client, draw }: ScenarioContext,
  stop: (broker: Broker) => Promise<void>,
  start: (broker: Broker) => Promise<void>,
) {
  const uploads = uploadOver(client, 40, 10, draw);
  await sleep(3_000);
  await stop(system.broker);
  await sleep(2_000);
  await start(system.broker);
  const ms = await acceptingAfter(client);
  await uploads;
  return { recoveries: [{ what: 'publishing again', ms, goalMs: GOAL_MS }] };
}

export const connectionsClosed: Scenario = {
  name: 'connections-closed',
  fault: 'the broker closes all connections, then the network cuts them, under load',
  async run({ system, client, draw }) {
    const uploads = uploadOver(client, 60, 9, draw);
    await sleep(2_000);
    await system.broker.closeConnections();
    const closed = await acceptingAfter(client);
    await sleep(2_000);
    system.broker.network.cut();
    const cut = await acceptingAfter(client);
    await uploads;
    return {
      recoveries: [
        { what: 'publishing again: closed', ms: closed, goalMs: GOAL_MS },
        { what: 'cut', ms: cut, goalMs: GOAL_MS },
      ],
    };
  },
};

/** Longer than two heartbeats of 10 s and the timeout of a confirm. */
const HALF_OPEN_MS = 25_000;

export const halfOpen: Scenario = {
  name: 'half-open',
  fault: 'TCP connections to the broker stay open and carry nothing for 25 s, under load',
  async run({ system, client, draw }) {
    const uploads = uploadOver(client, 60, 10, draw);
    await sleep(3_000);
    system.broker.network.freeze();
    await sleep(1_000);
    const before = client.notes.length;
    await sleep(HALF_OPEN_MS - 1_000);
    const accepted = client.notes.slice(before).filter(({ kind }) => kind === 'accepted');
    mustHold(accepted.length === 0, `${accepted.length} uploads were accepted without a confirm`);
    await system.broker.network.resume();
    const ms = await acceptingAfter(client);
    await uploads;
    return { recoveries: [{ what: 'publishing again', ms, goalMs: GOAL_MS }] };
  },
};

/** Longer than two heartbeats, which must continue while nothing is published. */
const ALARM_MS = 22_000;

export const memoryAlarm: Scenario = {
  name: 'memory-alarm',
  fault: 'the broker raises a memory alarm for 22 s, under load',
  async run({ system, client, draw }) {
    const { services, broker } = system;
    const uploads = uploadOver(client, 60, 20, draw);
    await sleep(2_000);
    await broker.raiseAlarm();
    const since = performance.now();
    // RabbitMQ sends `blocked` to a connection only at its next publish, so the load informs the api.
    try {
      await until(async () => !(await probe(services.api.port)).ready, 'the api is not ready', 10_000);
      const note = await client.tryOnce(smallImage);
      mustHold(note.kind === 'refused', `an upload during the alarm was ${note.kind}`);
      await sleep(ALARM_MS - (performance.now() - since));
    } finally {
      await broker.clearAlarm();
    }
    const ms = await acceptingAfter(client);
    await uploads;
    return { recoveries: [{ what: 'publishing again', ms, goalMs: GOAL_MS }] };
  },
};

const QUEUE_LIMIT = 5;

export const queueFull: Scenario = {
  name: 'queue-full',
  fault: `more uploads than MAX_QUEUE_LENGTH=${QUEUE_LIMIT} allows`,
  async run({ system, client }) {
    const { api } = system.services;
    await api.restartWith({ MAX_QUEUE_LENGTH: String(QUEUE_LIMIT) });
    try {
      const ended = new AbortController();
      const uploads = uploadSlow(client, 60).finally(() => ended.abort());
      let deepest = 0;
      while (!ended.signal.aborted) {
        const queues = await system.broker.queues();
        deepest = Math.max(deepest, queues.find(({ name }) => name === queueNames.process)?.ready ?? 0);
        await sleep(200);
      }
      await uploads;
      mustHold(
        client.notes.some(({ kind }) => kind === 'refused'),
        'no upload was refused',
      );
      mustHold(deepest <= QUEUE_LIMIT, `${deepest} jobs were in the queue`);
      return {};
    } finally {
      await api.restartWith({});
    }
  },
};
