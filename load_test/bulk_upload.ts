/*
 * Sends COUNT images as fast as VUS virtual users can, then waits for all results.
 *
 *   k6 run load_test/bulk_upload.ts -e COUNT=100
 *
 * COUNT=100, VUS=10, WORKERS=3 (waits until 3 are consuming), IMAGES (paths, one per line; default: the test
 * images), OPERATIONS=resize,watermark, API_URL, MONITORING_URL, JOB_TIMEOUT=600 (seconds).
 */
import exec from 'k6/execution';
import { follow, type SummaryData, upload } from './k6/api.ts';
import { uploadName } from './k6/job-records.ts';
import { begin, commonOptions, type Run } from './k6/run.ts';
import { imagesSetting, openImages, wholeNumber } from './k6/settings.ts';
import { writeResult } from './k6/write-result.ts';

const count = wholeNumber('COUNT', { min: 1, max: 100_000, fallback: 100 });
const users = Math.min(count, wholeNumber('VUS', { min: 1, max: 500, fallback: 10 }));
const images = openImages(users);

/** Images per virtual user, which uploads all of them before it requests the first result. */
const share = Math.ceil(count / users);
/** Jobs of this virtual user: each has its own copy of the script. */
const jobIds: string[] = [];

export const options = {
  scenarios: {
    // One iteration per upload and one per result: the progress bar of k6 counts both.
    bulk_upload: {
      executor: 'per-vu-iterations',
      vus: users,
      iterations: 2 * share,
      maxDuration: '2h',
      gracefulStop: '1s',
    },
  },
  ...commonOptions,
};

export function setup(): Run {
  return begin('bulk_upload');
}

export { drain as teardown } from './k6/run.ts';

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

export function handleSummary(data: SummaryData) {
  return writeResult(data, {
    script: 'bulk_upload',
    parameters: { COUNT: count, VUS: users, IMAGES: imagesSetting(images) },
    isComplete: (sent) => sent === count,
  });
}
