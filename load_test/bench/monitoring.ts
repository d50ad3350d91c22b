import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSystem } from '../../testing/start-system.ts';
import { coreShare } from './cpu-time.ts';
import { report } from './report.ts';
import { steadyArrivals } from './steady-arrivals.ts';
import { findSpeed } from './throughput.ts';
import { benchImage } from './upload.ts';

/** Of the speed that the system has. */
const LOAD = 0.5;
const MEASURED_SECONDS = 60;

/** What monitoring costs at the default interval, idle and under load. */
export async function measureMonitoring(): Promise<void> {
  const image = benchImage('orientation-1.jpg', 'image/jpeg', 'resize:100x100');
  const slots = availableParallelism();
  await using system = await startSystem({ name: 'monitoring', workers: 1, slots, monitoring: true });
  const perSecond = (await findSpeed(system, image)) * LOAD;
  console.log(
    `${perSecond.toFixed(1)} small images/s by chance, ${MEASURED_SECONDS} s idle and under load each\n`,
  );
  const rest = () => sleep(MEASURED_SECONDS * 1_000);
  const load = () => steadyArrivals(system.apiUrl, image, { perSecond, seconds: MEASURED_SECONDS });
  const rabbitmq = system.node.process.pid;
  const monitoring = system.monitoring[0]?.pid ?? Number.NaN;

  const idle = await coreShare([monitoring, rabbitmq], rest);
  const busy = await coreShare([monitoring, rabbitmq], load);
  for (const service of system.monitoring) await service.stop();
  const idleAlone = await coreShare([rabbitmq], rest);
  const busyAlone = await coreShare([rabbitmq], load);

  report('core of monitoring, idle', percent(idle.shares[0]), '< 1 %');
  report('core of RabbitMQ for monitoring, idle', difference(idle.shares[1], idleAlone.shares[0]), '< 1 %');
  report('core of monitoring, under load', percent(busy.shares[0]), 'none');
  report(
    'core of RabbitMQ for monitoring, under load',
    difference(busy.shares[1], busyAlone.shares[0]),
    'none',
  );
}

function percent(share = Number.NaN): string {
  return `${(share * 100).toFixed(2)} %`;
}

function difference(withIt = Number.NaN, without = Number.NaN): string {
  return `${percent(withIt - without)} (${percent(withIt)} − ${percent(without)})`;
}
