import { inject, vi } from 'vitest';
import { pipelinePlan } from '../../pipeline/pipeline-plan.ts';
import { freePort } from '../../process/free-port.ts';
import { RunFolder } from '../../supervisor/run-folder.ts';
import { Supervisor } from '../../supervisor/supervisor.ts';
import { borrowedBroker } from '../../testing/fixture-plan.ts';
import { tempFolder } from '../../../testing/temp-folder.ts';
import { createVhost, permitServices } from '../../../testing/vhost.ts';

const READY_MS = 90_000;
const PORTS = ['API', 'NOTIFICATION', 'MONITORING', 'PROMETHEUS', 'WORKER'];

/** The system of `make up` without Docker, with Prometheus, on free ports and a vhost of the test run's broker. */
export interface LiveSystem extends AsyncDisposable {
  readonly supervisor: Supervisor;
  /** By the name of the service, e.g. `http://127.0.0.1:21034`. */
  url(service: string): Promise<string>;
}

/** @param prometheus path of `prometheus` */
export async function startLiveSystem(prometheus: string, env: NodeJS.ProcessEnv): Promise<LiveSystem> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempFolder());
  const run = new RunFolder(folder.path);
  await run.create();
  const broker = inject('broker');
  const vhost = await createVhost(broker);
  cleanup.defer(() => vhost.delete());
  await permitServices(broker, vhost);
  const ports: Record<string, string> = {};
  for (const name of PORTS)
    ports[`${name}_PORT`] = String(await freePort([], Object.values(ports).map(Number)));
  const supervisor = new Supervisor({
    plan: {
      ...pipelinePlan(run, { ...process.env, LOG_LEVEL: 'warn', ...ports, ...env }, prometheus),
      startBroker: async () => ({ ...(await borrowedBroker(broker.folder)), amqpUrl: vhost.amqpUrl }),
    },
    run,
    cwd: process.cwd(),
    log: () => undefined,
  });
  cleanup.defer(() => supervisor.stop());
  await supervisor.start();
  await vi.waitFor(
    async () => {
      const unready = (await supervisor.report()).services.filter(({ state }) => state !== 'ready');
      if (unready.length > 0) throw new Error(JSON.stringify(unready));
    },
    { timeout: READY_MS, interval: 250 },
  );
  const all = cleanup.move();
  return {
    supervisor,
    url: async (name) => {
      const { services } = await supervisor.report();
      return `http://127.0.0.1:${services.find((service) => service.name === name)?.port ?? 0}`;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
