import { setTimeout as sleep } from 'node:timers/promises';
import { buildTopology, parseRetryDelays, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { outcomeKey } from '@image-pipeline/shared/store/keys.ts';
import { probe } from '../../../local/supervisor/probe.ts';
import { RETRY_DELAYS } from '../chaos-system.ts';
import { acceptedIds } from '../note.ts';
import {
  acceptingAfter,
  until,
  uploadOver,
  uploadSlow,
  type Scenario,
  type ScenarioContext,
} from '../scenario.ts';

/** Of the check of the topology, with its jitter and some load. */
const DECLARED_GOAL_MS = 15_000;
const GOAL_MS = 10_000;

const topology = buildTopology({ jobs: parseRetryDelays(RETRY_DELAYS), webhooks: [] });

export const partsDeleted: Scenario = {
  name: 'parts-deleted',
  fault: 'every exchange and every queue is deleted under load, one after another; the event log is the last',
  async run({ system, client, draw }) {
    const { broker } = system;
    const parts = [
      ...topology.exchanges.map(({ name }) => ({ kind: 'exchange', name }) as const),
      ...topology.queues.map(({ name }) => ({ kind: 'queue', name }) as const),
    ];
    const uploads = uploadOver(client, 8 * parts.length, 3 * parts.length, draw);
    let ms = 0;
    for (const { kind, name } of parts) {
      await sleep(1_000);
      // A new event log repeats ends that were notified before: see the reset of subscribers.
      if (name === queueNames.eventLog) await uploads.then(() => allEnded(system, client));
      const since = performance.now();
      await (kind === 'exchange' ? broker.deleteExchange(name) : broker.deleteQueue(name));
      await until(() => broker.exists(kind, name), `the ${kind} ${name} is declared again`);
      ms = Math.max(ms, performance.now() - since);
    }
    const accepting = await acceptingAfter(client);
    return {
      recoveries: [
        { what: 'declared again', ms, goalMs: DECLARED_GOAL_MS },
        { what: 'accepting again', ms: accepting, goalMs: GOAL_MS },
      ],
    };
  },
};

export const permissionsRevoked: Scenario = {
  name: 'permissions-revoked',
  fault: 'the permissions of the services are revoked for 15 s under load',
  async run({ system: { broker, services }, client, draw }) {
    const uploads = uploadOver(client, 60, 20, draw);
    await sleep(3_000);
    await broker.permit('^$');
    try {
      await until(async () => {
        const readiness = await probe(services.api.port);
        return !readiness.ready && /refused for user/.test(readiness.reason);
      }, 'the api is not ready, in the broker’s words');
      await sleep(15_000);
    } finally {
      await broker.permit('.*');
    }
    const ms = await acceptingAfter(client);
    await uploads;
    return { recoveries: [{ what: 'accepting again', ms, goalMs: GOAL_MS }] };
  },
};

/** The store is unavailable for more of them than a job may be delivered. */
const CONSUMER_TIMEOUT_MS = 2_000;
const OUTAGE_MS = 50_000;
const NORMAL_CONSUMER_TIMEOUT_MS = 1_800_000;

export const longOutage: Scenario = {
  name: 'long-outage',
  fault: `the store is unavailable for ${OUTAGE_MS / CONSUMER_TIMEOUT_MS} times RabbitMQ’s consumer_timeout, with jobs in progress`,
  async run({ system, client, subscriber }) {
    const { broker, store, services } = system;
    await broker.setConsumerTimeout(CONSUMER_TIMEOUT_MS);
    await broker.closeConnections();
    try {
      for (const service of services.services) await service.untilReady();
      await uploadSlow(client, 20);
      const isBusy = () => services.workers.some(({ name }) => subscriber.inProgressOf(name).length > 0);
      await until(isBusy, 'a job is in progress');
      await store.disconnect();
      await sleep(OUTAGE_MS);
    } finally {
      await store.reconnect();
      await broker.setConsumerTimeout(NORMAL_CONSUMER_TIMEOUT_MS);
      await broker.closeConnections();
    }
    const ms = await acceptingAfter(client);
    await allEnded(system, client);
    return { recoveries: [{ what: 'accepting again', ms, goalMs: GOAL_MS }] };
  },
};

/** Monitoring must see the loss in stable counts, and every lost job must have been overtaken for 30 s. */
const REPAIR_GOAL_MS = 90_000;

export const queuePurged: Scenario = {
  name: 'queue-purged',
  fault: 'the queue of jobs is purged, with jobs in it; they are republished',
  async run({ system, client }) {
    await uploadSlow(client, 40);
    await system.broker.purgeQueue(queueNames.process);
    const since = performance.now();
    await until(async () => (await countOpen(system, client)) > 0, 'the purge hits some jobs', 1_000);
    await allEnded(system, client);
    return {
      recoveries: [{ what: 'purged jobs ended', ms: performance.now() - since, goalMs: REPAIR_GOAL_MS }],
    };
  },
};

const allEnded = (system: ScenarioContext['system'], client: ScenarioContext['client']) =>
  until(async () => (await countOpen(system, client)) === 0, 'every accepted job has ended', 120_000);

async function countOpen(
  { store }: ScenarioContext['system'],
  client: ScenarioContext['client'],
): Promise<number> {
  const outcomes = acceptedIds(client.notes).map((jobId) => store.direct.stat(outcomeKey(jobId, 1)));
  return (await Promise.all(outcomes)).filter((outcome) => outcome === undefined).length;
}
