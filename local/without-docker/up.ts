import { join } from 'node:path';
import { styleText } from 'node:util';
import { USUAL_PORTS } from '../broker/node-ports.ts';
import { ensureRabbitmq } from '../broker/ensure-rabbitmq.ts';
import { installHint } from '../broker/install-hint.ts';
import { ensureDotenv, readEnvironment } from '../pipeline/dotenv.ts';
import { root, runFolder } from '../pipeline/paths.ts';
import { requireStore } from '../pipeline/chosen-store.ts';
import { pipelinePlan } from '../pipeline/pipeline-plan.ts';
import { startSystem, untilReady } from '../pipeline/start-system.ts';
import { systemState } from '../pipeline/running-system.ts';
import { stopSystem } from '../pipeline/stop-system.ts';
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { exclusively } from '../process/exclusive.ts';
import type { ServiceReport, SystemReport } from '../supervisor/report.ts';
import type { SystemPlan } from '../supervisor/system-plan.ts';
import { duration } from '../terminal/duration.ts';

const START_DEADLINE_MS = 120_000;

/** Starts the system unless it runs; prints each service as it gets ready. */
export async function ensureUp(): Promise<{ report: SystemReport; started: boolean }> {
  if (await ensureDotenv(root)) console.log('Created .env with random secrets.');
  await ensureRabbitmq();
  return exclusively(runFolder.lock, async () => {
    if ((await systemState(runFolder)) === 'running') {
      return { report: await untilReady(runFolder, START_DEADLINE_MS), started: false };
    }
    // Before anything is touched: a wrong configuration is told at once, and in full.
    const prometheus = await findPrometheus();
    const env = await readEnvironment(root);
    const plan = pipelinePlan(runFolder, env, prometheus?.server);
    await requireStore(env);
    await stopSystem(runFolder);
    const services = plan.services.map(({ name }) => name).join(', ');
    const workers = `${plan.workers} worker${plan.workers === 1 ? '' : 's'}`;
    console.log(`Starting RabbitMQ, ${services} and ${workers} …`);
    if (prometheus === undefined)
      console.log(
        `  Prometheus is not installed, so it is not started. To install it: ${(await installHint('prometheus')).line}`,
      );
    return { report: await startOrStop(plan), started: true };
  });
}

/** A system that does not come up whole is not left behind in pieces. */
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
  const wanted =
    name === 'rabbitmq' ? USUAL_PORTS.amqp : services.find((service) => service.name === name)?.firstPort;
  const instead = wanted === undefined || wanted === port ? '' : ` (${wanted} is in use)`;
  const ready = `${styleText('green', 'ready')} after ${duration(seconds).padStart(6)}`;
  return `  ${name.padEnd(14)}${ready}, port ${port ?? '?'}${instead}`;
}
