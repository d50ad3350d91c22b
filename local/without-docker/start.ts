import { join } from 'node:path';
import { styleText } from 'node:util';
import { DEFAULT_PORTS } from '../broker/node-record.ts';
import { ensureRabbitmq } from '../install/install.ts';
import { installLine } from '../install/programs.ts';
import { requireStore } from '../pipeline/chosen-store.ts';
import { prepareDotenv, readEnvironment } from '../pipeline/dotenv.ts';
import { root, runFolder } from '../pipeline/paths.ts';
import { pipelinePlan } from '../pipeline/pipeline-plan.ts';
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { checkDisk, refuseToStart } from '../runtime/checks.ts';
import { isRunning, type ServiceReport, type SystemReport } from '../supervisor/control.ts';
import { startSystem, stopSystem, untilReady } from '../supervisor/running-system.ts';
import type { SystemPlan } from '../supervisor/system-plan.ts';
import { duration } from '../terminal/duration.ts';
import { UserError } from '../user-error.ts';

const START_DEADLINE_MS = 120_000;
const NOT_FOR_PRODUCTION =
  'NODE_ENV=production is not possible without Docker, because the RabbitMQ that make starts has the sample password. Use Docker Compose, or start the services with your own RabbitMQ in RABBITMQ_URL.';

/** Starts the system unless it is running; prints each service when it is ready. */
export async function ensureUp(): Promise<{ report: SystemReport; started: boolean }> {
  await prepareDotenv(root);
  await ensureRabbitmq();
  if (await isRunning(runFolder.socket)) {
    return { report: await untilReady(runFolder, START_DEADLINE_MS), started: false };
  }
  refuseToStart(await checkDisk(root, 'make clean'));
  // An invalid configuration is reported in full before anything is started.
  const prometheus = await findPrometheus();
  const env = await readEnvironment(root);
  if (env.NODE_ENV === 'production') throw new UserError(NOT_FOR_PRODUCTION);
  if (env.COMPOSE_FILE !== undefined) console.warn('COMPOSE_FILE has no effect without Docker.');
  const plan = pipelinePlan(runFolder, env, prometheus?.server);
  await requireStore(env);
  const services = plan.services.map(({ name }) => name).join(', ');
  console.log(`Starting RabbitMQ, ${services} and ${plan.workers} worker${plan.workers === 1 ? '' : 's'} …`);
  if (prometheus === undefined)
    console.log(
      `  Prometheus is not installed, so it is not started. To install it: ${await installLine('prometheus')}`,
    );
  return { report: await startOrStop(plan), started: true };
}

/** If a part of the system does not start, the other parts are stopped. */
async function startOrStop(plan: SystemPlan): Promise<SystemReport> {
  const since = performance.now();
  try {
    return await startSystem({
      run: runFolder,
      cwd: root,
      supervisorScript: join(root, 'local/pipeline/supervisor-main.ts'),
      deadlineMs: START_DEADLINE_MS,
      onReady: (service) => console.log(readyLine(service, plan, (performance.now() - since) / 1_000)),
    });
  } catch (error) {
    await stopSystem(runFolder);
    console.error('\nThe system did not start. The services that had started were stopped.\n');
    throw error;
  }
}

function readyLine({ name, port }: ServiceReport, { services }: SystemPlan, seconds: number): string {
  const preferred =
    name === 'rabbitmq' ? DEFAULT_PORTS.amqp : services.find((service) => service.name === name)?.firstPort;
  const note = preferred === undefined || preferred === port ? '' : ` (${preferred} is in use)`;
  const ready = `${styleText('green', 'ready')} after ${duration(seconds).padStart(6)}`;
  return `  ${name.padEnd(14)}${ready}, port ${port ?? '?'}${note}`;
}
