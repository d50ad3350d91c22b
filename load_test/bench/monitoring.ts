import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { SnapshotWatch } from '../../testing/snapshot-watch.ts';
import type { System } from '../../testing/start-system.ts';
import type { BenchRun } from './bench-run.ts';
import { JobWatcher } from './job-watcher.ts';
import { startCpuClock } from './processes.ts';
import { digits, type Section } from './report.ts';
import { keepBusy, testImageForm, upload, uploadAtRandom, type Form } from './traffic.ts';

const WARM_UP = { warmUpSeconds: 2, seconds: 5 };
const noClock = () => Promise.resolve(() => Promise.resolve(undefined));

/** Measures the throughput of the system while warming it up. @returns this share of it, in images per second */
async function rateFor(share: number, system: System, form: Form): Promise<number> {
  await using watcher = await JobWatcher.open(system.notificationUrl);
  const task = async () => watcher.ended((await upload(system.apiUrl, form)).jobId);
  return share * (await keepBusy(task, WARM_UP, noClock)).perSecond;
}

/** Share of the throughput while the cost of monitoring is measured. */
const COST_LOAD = 0.5;
const COST_SECONDS = 60;

/** The cost of monitoring at the default interval, in shares of one core, idle and under load. */
export async function measureMonitoring(bench: BenchRun): Promise<Section> {
  const form = testImageForm('orientation-1.jpg', 'image/jpeg', 'resize:100x100');
  const slots = availableParallelism();
  const start = () => bench.startSystem({ name: 'monitoring', workers: 1, slots, monitoring: true });
  return bench.during(start, async (system) => {
    const perSecond = await rateFor(COST_LOAD, system, form);
    bench.say(`${digits(perSecond)} small images/s at random, four times ${COST_SECONDS} s`);
    const rest = () => sleep(COST_SECONDS * 1_000);
    const load = () => uploadAtRandom(system.apiUrl, form, { perSecond, seconds: COST_SECONDS });
    const idle = await coreShares(system, rest);
    const busy = await coreShares(system, load);
    for (const service of system.monitoring) await service.stop();
    const idleWithout = await coreShares(system, rest);
    const busyWithout = await coreShares(system, load);
    const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
    const row = (title: string, own: CoreShares, without: CoreShares) => [
      title,
      percent(own.monitoring),
      percent(own.broker - without.broker),
      `${percent(own.broker)} − ${percent(without.broker)}`,
    ];
    return {
      columns: ['system', 'core of monitoring', 'core of RabbitMQ for monitoring', 'with − without'],
      rows: [row('idle', idle, idleWithout), row('under load', busy, busyWithout)],
    };
  });
}

interface CoreShares {
  readonly monitoring: number;
  readonly broker: number;
}

/** The share of one core that monitoring and RabbitMQ use during the action; 1 is a whole core. */
async function coreShares(system: System, action: () => Promise<unknown>): Promise<CoreShares> {
  const monitoring = system.monitoring[0]?.pid ?? Number.NaN;
  const pids = new Map(Object.entries({ monitoring, broker: system.node.process.pid }));
  const readClock = await startCpuClock(pids);
  const since = performance.now();
  await action();
  const usage = await readClock();
  const shareOf = (name: string) => {
    const { own, children } = usage.get(name) ?? { own: Number.NaN, children: Number.NaN };
    return (own + children) / (performance.now() - since);
  };
  return { monitoring: shareOf('monitoring'), broker: shareOf('broker') };
}

/** Share of the throughput: jobs wait now and then, and the queue does not grow permanently. */
const LAW_LOAD = 0.7;
/** Less than the five minutes that a snapshot covers. */
const LAW_SECONDS = 200;

/**
 * Whether the metrics of monitoring obey Little's law: compares the mean number of jobs in the system over its snapshots
 * with its throughput and mean time of completed jobs.
 */
export async function measureLittlesLaw(bench: BenchRun): Promise<Section> {
  // Slow operations: times start at the upload, but counts at its acceptance some 60 ms later, after all writes.
  const form = testImageForm('sample.jpg', 'image/jpeg', 'filter:blur,filter:sharpen,filter:sepia,watermark');
  const start = () =>
    bench.startSystem({
      name: 'law',
      workers: 1,
      slots: availableParallelism(),
      monitoring: true,
      environment: () => ({ STATUS_UPDATE_INTERVAL: '1' }),
    });
  const snapshots = await bench.during(start, async (system) => {
    const perSecond = await rateFor(LAW_LOAD, system, form);
    bench.say(`${digits(perSecond)} images/s at random for ${LAW_SECONDS} s, a snapshot each second`);
    const watch = new SnapshotWatch(system.monitoringUrl ?? '');
    await uploadAtRandom(system.apiUrl, form, { perSecond, seconds: LAW_SECONDS });
    await watch[Symbol.asyncDispose]();
    return watch.seen;
  });

  const [first, last] = [snapshots[0], snapshots.at(-1)];
  if (first === undefined || last === undefined) throw new Error('monitoring made no snapshot');
  const flow = flowBetween(first, last);
  const expected = flow.perSecond * flow.meanSeconds;
  const mean = meanInSystem(snapshots.slice(1));
  const wrong = snapshots.filter(({ ledger }) => ledger?.unaccounted !== 0).length;
  return {
    columns: [
      'mean jobs in the system',
      'throughput × mean time',
      'ratio (0.9 to 1.1)',
      'snapshots with jobs unaccounted',
    ],
    rows: [
      [
        digits(mean),
        `${digits(flow.perSecond)}/s × ${flow.meanSeconds.toFixed(3)} s = ${digits(expected)}`,
        digits(mean / expected),
        `${wrong} of ${snapshots.length}`,
      ],
    ],
  };
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
