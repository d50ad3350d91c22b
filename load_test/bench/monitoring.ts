import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { SnapshotWatch } from '../../testing/snapshot-watch.ts';
import { startSystem, type System } from '../../testing/start-system.ts';
import { JobWatcher, systemThroughput } from './job-watcher.ts';
import { coreShares, report } from './measure.ts';
import { benchImage, uploadAtRandom, type BenchImage } from './upload.ts';

const WARM_UP_IMAGES = 60;

/** Measures the throughput of the system while warming it up. @returns this share of it, in images per second */
async function rateFor(share: number, system: System, image: BenchImage): Promise<number> {
  await using watcher = await JobWatcher.open(system.notificationUrl);
  const images = Array.from({ length: WARM_UP_IMAGES }, () => image);
  return share * (await systemThroughput(system, watcher, images));
}

/** Share of the throughput while the cost of monitoring is measured. */
const COST_LOAD = 0.5;
const COST_SECONDS = 60;

/** The cost of monitoring at the default interval, idle and under load. */
export async function measureMonitoring(): Promise<void> {
  const image = benchImage('orientation-1.jpg', 'image/jpeg', 'resize:100x100');
  const slots = availableParallelism();
  await using system = await startSystem({ name: 'monitoring', workers: 1, slots, monitoring: true });
  const perSecond = await rateFor(COST_LOAD, system, image);
  console.log(
    `${perSecond.toFixed(1)} small images/s at random, ${COST_SECONDS} s idle and under load each\n`,
  );
  const rest = () => sleep(COST_SECONDS * 1_000);
  const load = () => uploadAtRandom(system.apiUrl, image, { perSecond, seconds: COST_SECONDS });
  const rabbitmq = system.node.process.pid;
  const monitoring = system.monitoring[0]?.pid ?? Number.NaN;

  const [idle, idleBroker] = await coreShares([monitoring, rabbitmq], rest);
  const [busy, busyBroker] = await coreShares([monitoring, rabbitmq], load);
  for (const service of system.monitoring) await service.stop();
  const [idleBrokerAlone] = await coreShares([rabbitmq], rest);
  const [busyBrokerAlone] = await coreShares([rabbitmq], load);

  report('core of monitoring, idle', percent(idle), '< 1 %');
  report('core of RabbitMQ for monitoring, idle', difference(idleBroker, idleBrokerAlone), '< 1 %');
  report('core of monitoring, under load', percent(busy), 'none');
  report('core of RabbitMQ for monitoring, under load', difference(busyBroker, busyBrokerAlone), 'none');
}

function percent(share = Number.NaN): string {
  return `${(share * 100).toFixed(2)} %`;
}

function difference(withMonitoring = Number.NaN, without = Number.NaN): string {
  return `${percent(withMonitoring - without)} (${percent(withMonitoring)} − ${percent(without)})`;
}

/** Share of the throughput: jobs wait now and then, and the queue does not grow permanently. */
const LAW_LOAD = 0.7;
/** Less than the five minutes that a snapshot covers. */
const LAW_SECONDS = 200;

/**
 * Whether the metrics of monitoring obey Little's law: compares the mean number of jobs in the system over its snapshots
 * with its throughput and mean time of completed jobs.
 */
export async function measureLittlesLaw(): Promise<void> {
  // Slow operations: times start at the upload, but counts at its acceptance some 60 ms later, after all writes.
  const image = benchImage('sample.jpg', 'image/jpeg', 'filter:blur,filter:sharpen,filter:sepia,watermark');
  await using system = await startSystem({
    name: 'law',
    workers: 1,
    slots: availableParallelism(),
    monitoring: true,
    environment: () => Promise.resolve({ STATUS_UPDATE_INTERVAL: '1' }),
  });
  const perSecond = await rateFor(LAW_LOAD, system, image);
  console.log(`${perSecond.toFixed(1)} images/s at random for ${LAW_SECONDS} s, a snapshot each second\n`);
  const watch = new SnapshotWatch(system.monitoringUrl ?? '');
  await uploadAtRandom(system.apiUrl, image, { perSecond, seconds: LAW_SECONDS });
  await watch[Symbol.asyncDispose]();

  const snapshots = watch.seen;
  const [first, last] = [snapshots[0], snapshots.at(-1)];
  if (first === undefined || last === undefined) throw new Error('monitoring made no snapshot');
  const flow = flowBetween(first, last);
  const expected = flow.perSecond * flow.meanSeconds;
  const mean = meanInSystem(snapshots.slice(1));
  const formula = `${flow.perSecond.toFixed(2)}/s × ${flow.meanSeconds.toFixed(3)} s = ${expected.toFixed(3)}`;
  console.log(`${mean.toFixed(3)} jobs in the system in ${snapshots.length - 1} snapshots; ${formula}`);
  report('mean jobs in system ÷ throughput × mean time', (mean / expected).toFixed(3), '0.9 to 1.1');
  const wrong = snapshots.filter(({ ledger }) => ledger?.unaccounted !== 0).length;
  report('snapshots with jobs unaccounted', `${wrong} of ${snapshots.length}`, '0');
}

/** Mean number of jobs in the system over snapshots at equal intervals: waiting, in progress, or waiting for a retry. */
export function meanInSystem(snapshots: readonly Pick<Snapshot, 'jobs'>[]): number {
  const total = snapshots.reduce((sum, { jobs }) => sum + jobs.queued + jobs.processing + jobs.retrying, 0);
  return total / snapshots.length;
}

/**
 * Jobs that completed between two snapshots less than five minutes apart.
 * @returns jobs per second, and their mean seconds from acceptance to result
 * @throws Error if a snapshot has no totals, or no job completed
 */
export function flowBetween(first: Snapshot, last: Snapshot): { perSecond: number; meanSeconds: number } {
  const seconds = (Date.parse(last.updated_at) - Date.parse(first.updated_at)) / 1_000;
  const completed = (last.totals?.completed ?? Number.NaN) - (first.totals?.completed ?? Number.NaN);
  const timeOf = ({ latency }: Snapshot) => latency.samples * (latency.stages.total?.mean ?? 0);
  const samples = last.latency.samples - first.latency.samples;
  if (!(completed > 0) || samples !== completed) {
    throw new Error(`${completed} jobs completed, and ${samples} of them have a latency`);
  }
  return { perSecond: completed / seconds, meanSeconds: (timeOf(last) - timeOf(first)) / samples };
}
