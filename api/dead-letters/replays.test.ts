import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { openReplayKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { testBroker, testLog, testVhost } from '../../testing/test-broker.ts';
import type { Vhost } from '../../testing/vhost.ts';
import { type ReplayPlan, ReplayRecords } from './replay-records.ts';
import { Replays, type ReplaysOptions } from './replays.ts';

type Run = ReplaysOptions['run'];

const completes: Run = (_runs, progress) => {
  progress.jobs.fill('completed');
  return Promise.resolve();
};
const neverEnds: Run = (_runs, _progress, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')));
  });

function somePlan(): ReplayPlan {
  const runs = [{ job_id: uuidv7(), run: 1 }];
  return { version: 1, replay_id: uuidv7(), started_at: new Date().toISOString(), runs };
}

describe('a replay', () => {
  let vhost: Vhost;
  let broker: Broker;
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let store: ObjectStore;
  let records: ReplayRecords;
  const started: Replays[] = [];

  beforeAll(async () => {
    vhost = await testVhost();
    broker = testBroker(vhost.amqpUrl);
    await broker.start();
  });
  beforeEach(async () => {
    folder = await tempFolder();
    store = openStore({ kind: 'folder', folder: folder.path });
    await store.start();
    records = new ReplayRecords(store);
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((replays) => replays.stop()));
    await store.stop();
    await folder[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await broker.stop();
    await vhost.delete();
  });

  /** Starts a replica. */
  async function replica(run: Run, options: Partial<ReplaysOptions> = {}) {
    const ran = vi.fn(run);
    const replays = new Replays({ broker, records, run: ran, log: testLog, ...options });
    started.push(replays);
    await replays.start();
    return { replays, ran };
  }

  const untilEnded = ({ replay_id }: ReplayPlan) =>
    vi.waitFor(
      async () => {
        expect(await records.find(replay_id)).toMatchObject({ end: { state: 'done' } });
        expect(await broker.queues.inspect(queueNames.replays)).toMatchObject({ ready: 0 });
        expect(await records.open()).toEqual([]);
      },
      { timeout: 5_000 },
    );

  it('is run by one replica, and by another one when that stops', async () => {
    const replicas = [await replica(neverEnds), await replica(neverEnds), await replica(neverEnds)];
    const plan = somePlan();
    await replicas[1]?.replays.begin(plan);
    const running = () => replicas.filter(({ ran }) => ran.mock.calls.length > 0);
    await vi.waitFor(() => expect(running()).toHaveLength(1));
    await running()[0]?.replays.stop();
    await vi.waitFor(() => expect(running()).toHaveLength(2));
    const last = await replica(completes);
    await Promise.all(replicas.map(({ replays }) => replays.stop()));
    await untilEnded(plan);
    expect(last.ran).toHaveBeenCalledExactlyOnceWith(
      plan.runs,
      expect.objectContaining({ reason: null }),
      expect.any(AbortSignal),
    );
  });

  it('is run by another replica when its own loses RabbitMQ', async () => {
    const { hostname, port } = new URL(vhost.amqpUrl);
    const proxy = await TcpProxy.to({ host: hostname, port: Number(port) });
    const url = new URL(vhost.amqpUrl);
    url.port = String(proxy.port);
    const own = testBroker(url.href);
    await own.start();
    const { replays, ran } = await replica(neverEnds, { broker: own });
    const plan = somePlan();
    await replays.begin(plan);
    await vi.waitFor(() => expect(ran).toHaveBeenCalled());
    await replica(completes);
    proxy.cut();
    await untilEnded(plan);
    expect(ran.mock.calls[0]?.[2].aborted).toBe(true);
    await replays.stop();
    await own.stop();
    await proxy.close();
  });

  it('continues with its progress when another replica runs it', async () => {
    const one = await replica((runs, progress, signal) => {
      progress.reason = 'a job failed again';
      return neverEnds(runs, progress, signal);
    });
    const plan = somePlan();
    await one.replays.begin(plan);
    const saved = async () => (await records.find(plan.replay_id))?.progress;
    await vi.waitFor(
      async () => expect(await saved()).toMatchObject({ reason: 'a job failed again' }),
      5_000,
    );
    await one.replays.stop();
    const reasons: unknown[] = [];
    await replica((_runs, { reason }) => {
      reasons.push(reason);
      return Promise.resolve();
    });
    await vi.waitFor(() => expect(reasons).toEqual(['a job failed again']));
  });

  it('goes on while its message is handed back and delivered again', async () => {
    let deliveries = 0;
    const { promise: finished, resolve: finish } = Promise.withResolvers<undefined>();
    const { replays, ran } = await replica(() => finished, {
      holdMs: 20,
      broker: {
        publisher: broker.publisher,
        consumer: (consumer) =>
          broker.consumer({
            ...consumer,
            onDelivery: (message) => {
              deliveries++;
              return consumer.onDelivery(message);
            },
          }),
      },
    });
    const plan = somePlan();
    await replays.begin(plan);
    await vi.waitFor(() => expect(deliveries).toBeGreaterThan(5), { timeout: 5_000 });
    finish(undefined);
    await untilEnded(plan);
    expect(ran).toHaveBeenCalledTimes(1);
  });

  it('that was stored without a message is run at the next start, even if an earlier version stored it', async () => {
    const plan = somePlan();
    await records.create(plan);
    const { replay_id } = plan;
    const progress = { version: 1, replay_id, jobs: ['replayed'], reason: null };
    const lease = { runner: 'a-replica', written_at: new Date().toISOString() };
    await store.put(openReplayKey(replay_id), jsonBody({ ...progress, ...lease }));
    await replica(completes);
    await untilEnded(plan);
  });

  it('that was stored without a message is run when another one is refused because of it', async () => {
    const { replays } = await replica(completes);
    const plan = somePlan();
    await records.create(plan);
    await expect(replays.begin(somePlan())).rejects.toMatchObject({ code: 'replay_running' });
    await untilEnded(plan);
    const next = somePlan();
    await replays.begin(next);
    await untilEnded(next);
  });

  it('with unreadable records is discarded, so that others can begin', async () => {
    const plan = somePlan();
    await records.create(plan);
    await store.put(openReplayKey(plan.replay_id), Buffer.from('{'));
    const { ran } = await replica(completes);
    await vi.waitFor(async () => expect(await records.open()).toEqual([]), { timeout: 5_000 });
    expect(ran).not.toHaveBeenCalled();
  });

  it('that has ended is closed if its replica died before closing it, and not run again', async () => {
    const plan = somePlan();
    const progress = { jobs: ['completed' as const], reason: null };
    await records.create(plan);
    await records.end(plan.replay_id, progress);
    await records.save(plan.replay_id, progress);
    const { ran } = await replica(completes);
    await untilEnded(plan);
    expect(ran).not.toHaveBeenCalled();
  });

  it('is not stored if RabbitMQ does not accept its message', async () => {
    const { replays } = await replica(completes, {
      broker: {
        consumer: (options) => broker.consumer(options),
        publisher: testBroker(vhost.amqpUrl).publisher,
      },
    });
    await expect(replays.begin(somePlan())).rejects.toMatchObject({ code: 'broker_unavailable' });
    expect(await records.open()).toEqual([]);
  });
});
