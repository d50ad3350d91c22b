import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { readSnapshot, SnapshotWatch } from '../monitoring/watch-ledger.ts';
import { startLoadSystem } from '../system/load-system.ts';
import { coreShare } from './cpu-time.ts';
import { flowBetween, meanInSystem, type Stay } from './littles-law.ts';
import { report } from './report.ts';
import { steadyArrivals } from './steady-arrivals.ts';
import { systemThroughput } from './throughput.ts';
import { benchImage } from './upload.ts';
import { JobWatcher } from './watch-jobs.ts';

const WARM_UP_IMAGES = 60;
/** Of the speed that the warm-up found, so that jobs wait now and then, and the queue never grows for good. */
const LOAD = 0.5;
const MEASURED_SECONDS = 60;

/** What monitoring costs at the default interval, idle and under load, and whether its figures obey Little's law. */
export async function measureMonitoring(): Promise<void> {
  const slots = availableParallelism();
  const image = benchImage('orientation-1.jpg', 'image/jpeg', 'resize:100x100');
  await using system = await startLoadSystem({ name: 'monitoring', workers: 1, slots, monitoring: true });
  await using watcher = await JobWatcher.open(system.notificationUrl);
  const speed = await systemThroughput(
    system,
    watcher,
    Array.from({ length: WARM_UP_IMAGES }, () => image),
  );
  const perSecond = speed * LOAD;
  console.log(
    `${perSecond.toFixed(1)} small images/s by chance, ${MEASURED_SECONDS} s idle and under load each\n`,
  );
  const rest = () => sleep(MEASURED_SECONDS * 1_000);
  const load = () => steadyArrivals(system.apiUrl, image, { perSecond, seconds: MEASURED_SECONDS });
  const url = system.monitoringUrl ?? '';
  const rabbitmq = system.node.process.pid;
  const monitoring = system.monitoring[0]?.pid ?? Number.NaN;

  const idle = await coreShare([monitoring, rabbitmq], rest);
  const first = await nextSnapshot(url);
  const busy = await coreShare([monitoring, rabbitmq], async () => {
    await using watch = new SnapshotWatch(url);
    return { jobIds: await load(), seen: watch.seen };
  });
  const last = await nextSnapshot(url);
  const stays = await staysOf(watcher, busy.result.jobIds);
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
  reportLaw(first, last, stays, busy.result.seen);
}

function reportLaw(first: Snapshot, last: Snapshot, stays: readonly Stay[], seen: readonly Snapshot[]): void {
  const from = Date.parse(first.updated_at);
  const to = Date.parse(last.updated_at);
  const { perSecond, meanSeconds } = flowBetween(first, last);
  const expected = perSecond * meanSeconds;
  const mean = meanInSystem(stays, from, to);
  const formula = `${perSecond.toFixed(2)}/s × ${meanSeconds.toFixed(3)} s = ${expected.toFixed(3)}`;
  console.log(
    `Little’s law: ${mean.toFixed(3)} jobs in the system by their events, ${formula} by monitoring`,
  );
  report('mean jobs in system ÷ throughput × mean time', (mean / expected).toFixed(3), '0.9 to 1.1');
  const wrong = seen.filter(({ ledger }) => ledger?.unaccounted !== 0).length;
  report('snapshots with jobs unaccounted', `${wrong} of ${seen.length}`, '0');
}

/** The next one that monitoring makes. */
async function nextSnapshot(url: string): Promise<Snapshot> {
  const before = await readSnapshot(url);
  for (;;) {
    const snapshot = await readSnapshot(url);
    if (snapshot.updated_at !== before.updated_at) return snapshot;
    await sleep(50);
  }
}

async function staysOf(watcher: JobWatcher, jobIds: readonly string[]): Promise<Stay[]> {
  return Promise.all(
    jobIds.map(async (jobId) => {
      await watcher.ended(jobId);
      const events = watcher.eventsOf(jobId);
      const timeOf = (type: string) => events.find((event) => event.type === type)?.happenedAt ?? Number.NaN;
      return { from: timeOf('job.queued'), to: timeOf('job.completed') };
    }),
  );
}

function percent(share = Number.NaN): string {
  return `${(share * 100).toFixed(2)} %`;
}

function difference(withIt = Number.NaN, without = Number.NaN): string {
  return `${percent(withIt - without)} (${percent(withIt)} − ${percent(without)})`;
}
