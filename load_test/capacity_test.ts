/*
 * Increases the upload rate in steps, independent of the results (an open model), until results no longer keep up.
 *
 *   k6 run load_test/capacity_test.ts
 *
 * RATE=2 (uploads per second in the first step), FACTOR=1.25 (from step to step), STEPS=16, STEP_SECONDS=10,
 * LIMIT=10 (seconds from upload to result; the first job that takes longer ends the test), MAX_VUS=400; the others as in
 * bulk_upload.ts. A virtual user is busy until its result is available: if all are busy, k6 drops the next upload.
 * Exit code 108: the test stopped itself, because the system was saturated.
 */
import exec from 'k6/execution';
import { countOf, follow, saturated, type SummaryData, upload } from './k6/api.ts';
import { uploadName } from './k6/job-records.ts';
import { begin, commonOptions, type Run } from './k6/run.ts';
import { decimalNumber, imagesSetting, openImages, wholeNumber } from './k6/settings.ts';
import { writeResult } from './k6/write-result.ts';
import type { JobRecord } from './result.ts';

const firstRate = decimalNumber('RATE', { min: 0.1, max: 10_000, fallback: 2 });
const factor = decimalNumber('FACTOR', { min: 1.01, max: 10, fallback: 1.25 });
const stepCount = wholeNumber('STEPS', { min: 1, max: 100, fallback: 16 });
const stepSeconds = wholeNumber('STEP_SECONDS', { min: 1, max: 3_600, fallback: 10 });
const limit = wholeNumber('LIMIT', { min: 1, max: 3_600, fallback: 10 });
const maxUsers = wholeNumber('MAX_VUS', { min: 1, max: 10_000, fallback: 400 });
const images = openImages(maxUsers);

/** k6 requires whole numbers: uploads per ten seconds. */
const RATE_UNIT_S = 10;
/** An upper bound for results of an idle system, so that a step has enough virtual users from its start. */
const USUAL_SECONDS = 3;
const steps = Array.from({ length: stepCount }, (_, index) => {
  const perUnit = Math.max(1, Math.round(firstRate * factor ** index * RATE_UNIT_S));
  return { number: index + 1, perUnit, rate: perUnit / RATE_UNIT_S, seconds: stepSeconds };
});

export const options = {
  scenarios: Object.fromEntries(
    steps.map(({ number, perUnit, rate }) => [
      `step_${number}`,
      {
        executor: 'constant-arrival-rate',
        rate: perUnit,
        timeUnit: `${RATE_UNIT_S}s`,
        startTime: `${(number - 1) * stepSeconds}s`,
        duration: `${stepSeconds}s`,
        preAllocatedVUs: Math.min(maxUsers, Math.ceil(rate * USUAL_SECONDS) + 2),
        maxVUs: maxUsers,
        gracefulStop: `${limit + 5}s`,
      },
    ]),
  ),
  ...commonOptions,
  thresholds: {
    ...commonOptions.thresholds,
    ...Object.fromEntries(
      steps.map(({ number }) => [`dropped_iterations{scenario:step_${number}}`, ['count>=0']]),
    ),
  },
};

export function setup(): Run {
  return begin('capacity_test');
}

export { drain as teardown } from './k6/run.ts';

export default function (run: Run): void {
  const number = Number(exec.scenario.name.replace('step_', ''));
  const image = images[exec.scenario.iterationInTest % images.length];
  if (image === undefined) return;
  const jobId = upload({ image, name: uploadName(run, number, image.name) });
  if (jobId === undefined || follow(jobId, limit) !== 'open') return;
  saturated.add(1);
  const rate = steps[number - 1]?.rate.toFixed(1) ?? '?';
  exec.test.abort(`saturated at ${rate} uploads/s: a result took more than ${limit} s (LIMIT)`);
}

export function handleSummary(data: SummaryData) {
  return writeResult(data, {
    script: 'capacity_test',
    parameters: {
      RATE: firstRate,
      FACTOR: factor,
      STEPS: stepCount,
      STEP_SECONDS: stepSeconds,
      LIMIT: limit,
      MAX_VUS: maxUsers,
      IMAGES: imagesSetting(images),
    },
    isComplete: (_sent, jobs, run) => lastUpload(jobs, run) >= (stepCount - 1) * stepSeconds,
    steps: (jobs, run) => begunSteps(data, lastUpload(jobs, run)),
  });
}

/** Seconds from the start of the run to its last accepted upload. */
function lastUpload(jobs: readonly JobRecord[], run: Run): number {
  const last = jobs.reduce((latest, { queued_at }) => Math.max(latest, Date.parse(queued_at)), -Infinity);
  return (last - Date.parse(run.started_at)) / 1_000;
}

/** If the test stopped during a step, that step is shorter. */
function begunSteps(data: SummaryData, untilSecond: number) {
  const isStopped = countOf(data, 'capacity_saturated') > 0;
  return steps.flatMap(({ number, rate, seconds }) => {
    const begin = (number - 1) * stepSeconds;
    if (begin > untilSecond) return [];
    return {
      number,
      rate,
      seconds: isStopped ? Math.min(seconds, Math.max(0.1, untilSecond - begin)) : seconds,
      dropped: countOf(data, `dropped_iterations{scenario:step_${number}}`),
    };
  });
}
