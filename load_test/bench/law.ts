import { availableParallelism } from 'node:os';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { SnapshotWatch } from '../../testing/snapshot-watch.ts';
import { startSystem } from '../../testing/start-system.ts';
import { flowBetween, meanInSystem } from './littles-law.ts';
import { report } from './report.ts';
import { steadyArrivals } from './steady-arrivals.ts';
import { findSpeed } from './throughput.ts';
import { benchImage } from './upload.ts';

/** Of the speed that the system has: jobs wait now and then, and the queue never grows for good. */
const LOAD = 0.7;
/** Less than the five minutes that a snapshot looks back. */
const MEASURED_SECONDS = 200;

/**
 * Whether monitoring's figures obey Little's law: the jobs in the system, as each of its snapshots shows them at one
 * moment, against what it tells of those that have completed.
 */
export async function measureLittlesLaw(): Promise<void> {
  // Much work: times begin with the upload, counts with its acceptance some 60 ms later, when all of it is on the disk.
  const image = benchImage('sample.jpg', 'image/jpeg', 'filter:blur,filter:sharpen,filter:sepia,watermark');
  await using system = await startSystem({
    name: 'law',
    workers: 1,
    slots: availableParallelism(),
    monitoring: true,
    environment: () => Promise.resolve({ STATUS_UPDATE_INTERVAL: '1' }),
  });
  const perSecond = (await findSpeed(system, image)) * LOAD;
  console.log(
    `${perSecond.toFixed(1)} images/s by chance for ${MEASURED_SECONDS} s, a snapshot each second\n`,
  );
  const watch = new SnapshotWatch(system.monitoringUrl ?? '');
  await steadyArrivals(system.apiUrl, image, { perSecond, seconds: MEASURED_SECONDS });
  await watch[Symbol.asyncDispose]();
  reportLaw(watch.seen);
}

function reportLaw(seen: readonly Snapshot[]): void {
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined) throw new Error('monitoring made no snapshot');
  const { perSecond, meanSeconds } = flowBetween(first, last);
  const expected = perSecond * meanSeconds;
  const mean = meanInSystem(seen.slice(1));
  const formula = `${perSecond.toFixed(2)}/s × ${meanSeconds.toFixed(3)} s = ${expected.toFixed(3)}`;
  console.log(`${mean.toFixed(3)} jobs in the system in ${seen.length - 1} snapshots; ${formula}`);
  report('mean jobs in system ÷ throughput × mean time', (mean / expected).toFixed(3), '0.9 to 1.1');
  const wrong = seen.filter(({ ledger }) => ledger?.unaccounted !== 0).length;
  report('snapshots with jobs unaccounted', `${wrong} of ${seen.length}`, '0');
}
