import http from 'k6/http';
import {
  countJobs,
  kneeOf,
  makespan,
  type Percentiles,
  percentilesOf,
  recoveries,
  stepOutcomes,
  throughput,
  timesToResult,
} from '../calculate.ts';
import type { LoadTestResult, Sample, Script } from '../result.ts';
import { apiUrl, countOf, jsonOf, operations, refusals, type SummaryData } from './api.ts';
import { jobRecords } from './job-records.ts';
import { monitoringUrl, type Run } from './run.ts';
import { refuse, text, wholeNumber } from './settings.ts';

const experiment = text('EXPERIMENT');
const repeat = wholeNumber('REPEAT', { min: 1, max: 1_000, fallback: 1 });
const isWarmUp = text('WARM_UP') === '1';

/** The part of the result that depends on the script. */
interface ScriptResult {
  readonly script: Script;
  readonly parameters: LoadTestResult['parameters'];
  /** Whether the run sent everything that the settings require. */
  readonly isComplete: (sent: number, jobs: LoadTestResult['jobs'], run: Run) => boolean;
  readonly bursts?: (jobs: LoadTestResult['jobs'], run: Run) => LoadTestResult['bursts'];
  readonly steps?: (jobs: LoadTestResult['jobs'], run: Run) => LoadTestResult['steps'];
}

/** For `handleSummary()`: the result file, and a summary on the terminal. */
export function writeResult(data: SummaryData, script: ScriptResult): Record<string, string> {
  // Since 1.5, k6 has an alternative format of this data, which may be enabled in the environment.
  if (typeof data.metrics !== 'object') refuse('Run k6 with --new-machine-readable-summary=false');
  const run = data.setup_data as Run | null | undefined;
  if (!run) return {}; // setup failed and has printed the reason
  const jobs = jobRecords(run);
  const counted = countOf(data, 'jobs_accepted');
  const refused = refusals(data);
  const sent = counted + Object.values(refused).reduce((sum, count) => sum + count, 0);
  const isSaturated = countOf(data, 'capacity_saturated') > 0;
  const isComplete = script.isComplete(sent, jobs, run);
  const ends = jobs.flatMap(({ ended_at }) => (ended_at === null ? [] : [Date.parse(ended_at)]));
  const result: LoadTestResult = {
    version: 1,
    script: script.script,
    parameters: { ...script.parameters, OPERATIONS: operations },
    experiment: experiment === '' ? null : { name: experiment, repeat, warm_up: isWarmUp },
    ...run,
    ended_at: new Date(ends.reduce((last, at) => Math.max(last, at), ends[0] ?? Date.now())).toISOString(),
    stopped: isSaturated ? 'saturated' : isComplete ? 'finished' : 'interrupted',
    api_url: apiUrl,
    // An interrupted virtual user may not have received the response to an accepted upload.
    uploads: { sent, accepted: Math.max(counted, jobs.length), refused, seconds: uploadSeconds(data) },
    jobs,
    lost: countOf(data, 'jobs_lost'),
    unread: Math.max(0, counted - jobs.length),
    bursts: script.bursts?.(jobs, run) ?? [],
    steps: script.steps?.(jobs, run) ?? [],
    samples: samplesSince(run.started_at),
  };
  const name = `${result.run_id}.json`;
  const path = import.meta.resolve(`../results/${name}`).replace('file://', '');
  return {
    [decodeURIComponent(path)]: `${JSON.stringify(result, null, 1)}\n`,
    stdout: summaryText(result, `load_test/results/${name}`),
  };
}

function uploadSeconds(data: SummaryData): LoadTestResult['uploads']['seconds'] {
  const values = data.metrics['upload_time']?.values;
  if (values === undefined) return null;
  const seconds = (name: string) => (values[name] ?? 0) / 1_000;
  return { p50: seconds('med'), p95: seconds('p(95)'), p99: seconds('p(99)'), mean: seconds('avg') };
}

/** Monitoring samples every few seconds; the last one before the run shows the initial state. */
const SAMPLES_BEFORE_MS = 10_000;

/** Samples of monitoring during the run; empty if it does not respond. */
function samplesSince(startedAt: string): Sample[] {
  const since = new Date(Date.parse(startedAt) - SAMPLES_BEFORE_MS).toISOString();
  const response = http.get(`${monitoringUrl}/history?since=${since}`, { timeout: '10s' });
  const { samples } = jsonOf(response) as { samples?: Sample[] };
  return response.status === 200 && Array.isArray(samples) ? samples : [];
}

/** The end-of-test summary on the terminal. */
function summaryText(result: LoadTestResult, file: string): string {
  const { uploads, jobs, lost, unread, workers } = result;
  const { completed, failed, open } = countJobs(jobs);
  const refused = Object.entries(uploads.refused).map(([code, count]) => `${count} ${code}`);
  const slots = workers.reduce((sum, worker) => sum + (worker.slots ?? 0), 0);
  const lines = [
    `${result.script}  ${workers.length} worker${workers.length === 1 ? '' : 's'}, ${slots} slot${slots === 1 ? '' : 's'}  (${result.stopped})`,
    '',
    `  jobs            ${uploads.accepted} accepted = ${completed} completed + ${failed} failed + ${open} open`,
    `  lost            ${lost}`,
    ...(unread === 0
      ? []
      : [`  unread          ${unread} accepted jobs could not be read: the numbers below leave them out`]),
    `  refused         ${refused.length === 0 ? '0' : refused.join(', ')}`,
    `  throughput      ${throughput(jobs).toFixed(2)} images/s over ${makespan(jobs).toFixed(1)} s, first upload to last result`,
    `  upload          ${percentilesText(uploads.seconds)}`,
    `  time to result  ${percentilesText(percentilesOf(timesToResult(jobs)))}`,
    ...burstLines(result),
    ...stepLines(result),
    '',
    `  result file     ${file}`,
    '  analysis        npx node load_test/analyze_results.ts',
    '',
  ];
  return `\n${lines.join('\n')}\n`;
}

function percentilesText(times: Percentiles | null): string {
  if (times === null) return '-';
  return `p50 ${seconds(times.p50)}  p95 ${seconds(times.p95)}  p99 ${seconds(times.p99)}`;
}

function seconds(value: number): string {
  return value < 1 ? `${(value * 1_000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
}

function burstLines(result: LoadTestResult): string[] {
  return recoveries(result).map(({ number, size, before, peak, seconds: took }) => {
    const recovered = took === null ? 'not recovered' : `recovered after ${seconds(took)}`;
    return `  burst ${String(number).padEnd(9)} ${size} images, ${before} waiting before, at most ${peak}, ${recovered}`;
  });
}

function stepLines(result: LoadTestResult): string[] {
  if (result.steps.length === 0) return [];
  const outcomes = stepOutcomes(result);
  const knee = kneeOf(outcomes);
  return [
    '',
    '     target/s  results/s  p95 to result  dropped',
    ...outcomes.map(({ rate, throughput: perSecond, times, dropped, sustained }) => {
      const p95 = times === null ? '-' : seconds(times.p95);
      const cells = [rate.toFixed(1).padStart(11), perSecond.toFixed(1).padStart(9), p95.padStart(13)];
      return `  ${cells.join('  ')}  ${String(dropped).padStart(7)}${sustained ? '' : '  not sustained'}`;
    }),
    knee === undefined
      ? '  knee            below the first step: start lower with RATE'
      : outcomes.every(({ sustained }) => sustained)
        ? `  knee            not reached: ${knee.rate.toFixed(1)} images/s was sustained to the end`
        : `  knee            ${knee.rate.toFixed(1)} images/s was sustained, more was not`,
  ];
}
