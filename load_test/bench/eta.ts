import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { percentile } from '../calculate.ts';
import { drawFrom } from '../draw.ts';
import { startSystem } from '../../testing/start-system.ts';
import { JobWatcher } from './job-watcher.ts';
import { report } from './measure.ts';
import { benchImage, upload, uploadQueue } from './upload.ts';

const JOBS = 200;
const SLOTS = 2;
const POLL_MS = 2_000;
/** The same order of images in each run. */
const SEED = 20_261_122;
/** A relative error is only meaningful if at least this time is left. */
const MIN_LEFT_S = 1;

const statusSchema = z.object({ status: z.string(), eta_seconds: z.number().nullable().optional() });

/** A response of `/status` for a job that had not ended. Times in milliseconds since 1970. */
interface Prediction {
  readonly jobId: string;
  readonly askedAt: number;
  readonly endsAt: number | undefined;
}

/** The error of `eta_seconds` for 200 jobs of different sizes that arrive faster than they can be processed. */
export async function measureEta(): Promise<void> {
  console.log(
    `${JOBS} jobs of four kinds in random order, one worker with ${SLOTS} slots, from the first job of a new system\n`,
  );
  const images = [
    benchImage('sample.jpg', 'image/jpeg', 'resize,watermark'),
    benchImage('photo.webp', 'image/webp', 'resize:400x300'),
    benchImage('orientation-1.jpg', 'image/jpeg', 'filter:blur'),
    benchImage('photo.png', 'image/png', 'resize,filter:sepia'),
  ];
  await using system = await startSystem({ name: 'eta', workers: 1, slots: SLOTS });
  await using watcher = await JobWatcher.open(system.notificationUrl);
  const atUpload: Prediction[] = [];
  const later: Prediction[] = [];
  const open = new Set<string>();
  const uploads = uploadQueue();
  const draw = drawFrom(SEED);
  const jobs = Array.from({ length: JOBS }, async () => {
    const image = images[draw(0, images.length - 1)];
    if (image === undefined) throw new Error('no image');
    const { jobId } = await uploads.add(() => upload(system.apiUrl, image));
    open.add(jobId);
    atUpload.push(...(await predictionsOf(system.apiUrl, [jobId])));
    await watcher.ended(jobId);
    open.delete(jobId);
  });
  const ended = new AbortController();
  const all = Promise.all(jobs).finally(() => ended.abort());
  while (!ended.signal.aborted) {
    later.push(...(await predictionsOf(system.apiUrl, [...open])));
    await sleep(POLL_MS, undefined, { signal: ended.signal }).catch(() => undefined);
  }
  await all;
  reportErrors('asked at the upload', atUpload, watcher);
  reportErrors(`asked every ${POLL_MS / 1_000} s until the end`, later, watcher);
}

async function predictionsOf(apiUrl: string, jobIds: readonly string[]): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for (const jobId of jobIds) {
    const askedAt = Date.now();
    const response = await fetch(`${apiUrl}/status/${jobId}`);
    const { status, eta_seconds } = statusSchema.parse(await response.json());
    if (status === 'completed' || status === 'failed') continue;
    const known = typeof eta_seconds === 'number';
    predictions.push({ jobId, askedAt, endsAt: known ? askedAt + eta_seconds * 1_000 : undefined });
  }
  return predictions;
}

function reportErrors(when: string, predictions: readonly Prediction[], watcher: JobWatcher): void {
  const absolute: number[] = [];
  const relative: number[] = [];
  for (const { jobId, askedAt, endsAt } of predictions) {
    const end = watcher.eventsOf(jobId).find(({ type }) => type === 'job.completed')?.happenedAt;
    if (end === undefined || endsAt === undefined) continue;
    const errorSeconds = Math.abs(endsAt - end) / 1_000;
    const leftSeconds = (end - askedAt) / 1_000;
    absolute.push(errorSeconds);
    if (leftSeconds >= MIN_LEFT_S) relative.push(errorSeconds / leftSeconds);
  }
  console.log(`${when}: ${predictions.length} responses, ${absolute.length} with an estimate`);
  const [median, p90] = [0.5, 0.9];
  report('  |eta - end|, median and p90', quantiles(absolute, median, p90, 1, 's'), 'small');
  report(
    '  ÷ time left (≥ 1 s), median and p90',
    quantiles(relative, median, p90, 100, '%'),
    'median ≤ 25 %',
  );
}

function quantiles(
  values: readonly number[],
  median: number,
  p90: number,
  scale: number,
  unit: string,
): string {
  const text = (part: number) => (percentile(values, part) * scale).toFixed(scale === 1 ? 2 : 0);
  return `${text(median)} ${unit}, ${text(p90)} ${unit}`;
}
