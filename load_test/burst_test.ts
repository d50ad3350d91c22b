/*
 * Sends BURST images at once, every INTERVAL seconds, ROUNDS times, and measures how long the queue needs to recover.
 *
 *   k6 run load_test/burst_test.ts -e BURST=50 -e INTERVAL=5
 *
 * BURST=50, INTERVAL=5 (seconds), ROUNDS=3; the others as in bulk_upload.ts.
 */
import exec from 'k6/execution';
import { follow, type SummaryData, uploadAll } from './k6/api.ts';
import { uploadName } from './k6/job-records.ts';
import { begin, commonOptions, type Run } from './k6/run.ts';
import { imagesSetting, openImages, wholeNumber } from './k6/settings.ts';
import { writeResult } from './k6/write-result.ts';
import type { JobRecord } from './result.ts';

const size = wholeNumber('BURST', { min: 1, max: 10_000, fallback: 50 });
const interval = wholeNumber('INTERVAL', { min: 1, max: 3_600, fallback: 5 });
const rounds = wholeNumber('ROUNDS', { min: 1, max: 100, fallback: 3 });
const images = openImages(rounds);
const numbers = Array.from({ length: rounds }, (_, index) => index + 1);

export const options = {
  scenarios: Object.fromEntries(
    numbers.map((number) => [
      `burst_${number}`,
      {
        executor: 'per-vu-iterations',
        vus: 1,
        iterations: 1,
        startTime: `${(number - 1) * interval}s`,
        maxDuration: '2h',
        gracefulStop: '1s',
      },
    ]),
  ),
  ...commonOptions,
  batch: Math.max(size, 20),
  batchPerHost: Math.max(size, 20),
};

export function setup(): Run {
  return begin('burst_test');
}

export { drain as teardown } from './k6/run.ts';

export default function (run: Run): void {
  const number = Number(exec.scenario.name.replace('burst_', ''));
  const uploads = Array.from({ length: size }, (_, index) => images[index % images.length]).flatMap(
    (image) => (image === undefined ? [] : [{ image, name: uploadName(run, number, image.name) }]),
  );
  for (const jobId of uploadAll(uploads)) follow(jobId);
}

export function handleSummary(data: SummaryData) {
  return writeResult(data, {
    script: 'burst_test',
    parameters: { BURST: size, INTERVAL: interval, ROUNDS: rounds, IMAGES: imagesSetting(images) },
    isComplete: (sent) => sent === size * rounds,
    bursts: (jobs, run) => numbers.map((number) => ({ number, size, at: sentAt(number, jobs, run) })),
  });
}

/** When the first image of a burst arrived; the planned time if none was accepted. */
function sentAt(number: number, jobs: readonly JobRecord[], run: Run): string {
  const times = jobs.filter(({ group }) => group === number).map(({ queued_at }) => Date.parse(queued_at));
  const planned = Date.parse(run.started_at) + (number - 1) * interval * 1_000;
  return new Date(times.reduce((first, at) => Math.min(first, at), times[0] ?? planned)).toISOString();
}
