/*
 * Sends COUNT images as fast as VUS virtual users can, then waits for every result.
 *
 *   k6 run load_test/bulk_upload.ts -e COUNT=100
 *
 * COUNT=100, VUS=10, WORKERS=3 (waits until so many are consuming), IMAGES (paths, one a line; default: the test
 * images), OPERATIONS=resize,watermark, API_URL, MONITORING_URL, JOB_TIMEOUT=600 (seconds).
 */
import exec from 'k6/execution';
import { follow, upload } from './k6/api.ts';
import { imagesSetting, openImages } from './k6/images.ts';
import { summaryTrendStats, thresholds, type SummaryData } from './k6/job-metrics.ts';
import { uploadName } from './k6/job-records.ts';
import { begin, drain, type Run } from './k6/run.ts';
import { wholeNumber } from './k6/settings.ts';
import { writeResult } from './k6/write-result.ts';

const count = wholeNumber('COUNT', { min: 1, max: 100_000, fallback: 100 });
const users = Math.min(count, wholeNumber('VUS', { min: 1, max: 500, fallback: 10 }));
const images = openImages(users);

/** Images of one virtual user. It sends them all before it asks for the first result. */
const share = Math.ceil(count / users);
/** Of this virtual user; each has its own copy of the script. */
const jobIds: string[] = [];

export const options = {
  scenarios: {
    // One iteration an upload, and one a result: k6's progress bar counts both.
    bulk_upload: {
      executor: 'per-vu-iterations',
      vus: users,
      iterations: 2 * share,
      maxDuration: '2h',
      gracefulStop: '1s',
    },
  },
  batch: 20,
  batchPerHost: 20,
  setupTimeout: '2m',
  teardownTimeout: '10m',
  summaryTrendStats,
  thresholds,
};

export function setup(): Run {
  return begin('bulk_upload');
}

export default function (run: Run): void {
  const iteration = exec.vu.iterationInScenario;
  if (iteration < share) {
    const number = iteration * users + exec.vu.idInTest - 1;
    const image = images[number % images.length];
    if (number >= count || image === undefined) return;
    const jobId = upload({ image, name: uploadName(run, null, image.name) });
    if (jobId !== undefined) jobIds.push(jobId);
  } else {
    const jobId = jobIds[iteration - share];
    if (jobId !== undefined) follow(jobId);
  }
}

export function teardown(run: Run): void {
  drain(run);
}

export function handleSummary(data: SummaryData) {
  return writeResult(data, {
    script: 'bulk_upload',
    parameters: { COUNT: count, VUS: users, IMAGES: imagesSetting(images) },
    isComplete: (sent) => sent === count,
  });
}
