import {
  countJobs,
  kneeOf,
  makespan,
  percentilesOf,
  recoveries,
  stepOutcomes,
  throughput,
  timesToResult,
  type Percentiles,
} from '../calculate.ts';
import type { LoadTestResult } from '../result.ts';

/** The end-of-test summary on the terminal. */
export function summaryText(result: LoadTestResult, file: string): string {
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
