import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { percentile } from '../calculate.ts';
import { drawFrom } from '../draw.ts';
import type { BenchRun } from './bench-run.ts';
import { JobWatcher } from './job-watcher.ts';
import type { Section } from './report.ts';
import { send, testImageForm, upload, uploadQueue } from './traffic.ts';

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
export async function measureEta(bench: BenchRun): Promise<Section> {
  bench.say(`${JOBS} jobs of four kinds in random order, from the first job of a new system`);
  const start = () => bench.startSystem({ name: 'eta', workers: 1, slots: SLOTS });
  return bench.during(start, (system) =>
    bench.during(
      () => JobWatcher.open(system.notificationUrl),
      (watcher) => measureErrors(system.apiUrl, watcher),
    ),
  );
}

async function measureErrors(apiUrl: string, watcher: JobWatcher): Promise<Section> {
  const forms = [
    testImageForm('sample.jpg', 'image/jpeg', 'resize,watermark'),
    testImageForm('photo.webp', 'image/webp', 'resize:400x300'),
    testImageForm('orientation-1.jpg', 'image/jpeg', 'filter:blur'),
    testImageForm('photo.png', 'image/png', 'resize,filter:sepia'),
  ];
  const atUpload: Prediction[] = [];
  const later: Prediction[] = [];
  const open = new Set<string>();
  const ends = new Map<string, number>();
  const uploads = uploadQueue();
  const draw = drawFrom(SEED);
  const jobs = Array.from({ length: JOBS }, async () => {
    const form = forms[draw(0, forms.length - 1)] ?? Buffer.alloc(0);
    const { jobId } = await uploads.add(() => upload(apiUrl, form));
    open.add(jobId);
    atUpload.push(...(await predictionsOf(apiUrl, [jobId])));
    ends.set(jobId, (await watcher.ended(jobId)).endedAt);
    open.delete(jobId);
  });
  const ended = new AbortController();
  const all = Promise.all(jobs).finally(() => ended.abort());
  while (!ended.signal.aborted) {
    later.push(...(await predictionsOf(apiUrl, [...open])));
    await sleep(POLL_MS, undefined, { signal: ended.signal }).catch(() => undefined);
  }
  await all;
  return {
    columns: [
      'asked',
      'responses',
      'with estimate',
      'error, median',
      'p90',
      'error ÷ time left, median',
      'p90',
    ],
    rows: [
      errorRow('at the upload', atUpload, ends),
      errorRow(`every ${POLL_MS / 1_000} s until the end`, later, ends),
    ],
  };
}

async function predictionsOf(apiUrl: string, jobIds: readonly string[]): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for (const jobId of jobIds) {
    const askedAt = Date.now();
    const { body } = await send(`${apiUrl}/status/${jobId}`);
    const { status, eta_seconds } = statusSchema.parse(JSON.parse(body.toString()));
    if (status === 'completed' || status === 'failed') continue;
    const known = typeof eta_seconds === 'number';
    predictions.push({ jobId, askedAt, endsAt: known ? askedAt + eta_seconds * 1_000 : undefined });
  }
  return predictions;
}

/** @param ends of the jobs, in milliseconds since 1970 */
function errorRow(
  asked: string,
  predictions: readonly Prediction[],
  ends: ReadonlyMap<string, number>,
): string[] {
  const absolute: number[] = [];
  const relative: number[] = [];
  for (const { jobId, askedAt, endsAt } of predictions) {
    const end = ends.get(jobId);
    if (end === undefined || endsAt === undefined) continue;
    const errorSeconds = Math.abs(endsAt - end) / 1_000;
    const leftSeconds = (end - askedAt) / 1_000;
    absolute.push(errorSeconds);
    if (leftSeconds >= MIN_LEFT_S) relative.push(errorSeconds / leftSeconds);
  }
  const seconds = (share: number) => `${percentile(absolute, share).toFixed(2)} s`;
  const percent = (share: number) => `${(percentile(relative, share) * 100).toFixed(0)} %`;
  return [
    asked,
    String(predictions.length),
    String(absolute.length),
    seconds(0.5),
    seconds(0.9),
    percent(0.5),
    percent(0.9),
  ];
}
