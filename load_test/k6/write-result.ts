import http from 'k6/http';
import type { LoadTestResult, Sample, Script } from '../result.ts';
import { apiUrl, jsonOf, operations } from './api.ts';
import { countOf, refusals, type SummaryData } from './job-metrics.ts';
import { jobRecords } from './job-records.ts';
import { monitoringUrl, type Run } from './run.ts';
import { refuse, text, wholeNumber } from './settings.ts';
import { summaryText } from './summary-text.ts';

const experiment = text('EXPERIMENT');
const repeat = wholeNumber('REPEAT', { min: 1, max: 1_000, fallback: 1 });
const isWarmUp = text('WARM_UP') === '1';

/** What a script knows of its run beside the jobs. */
export interface Outcome {
  readonly script: Script;
  readonly parameters: LoadTestResult['parameters'];
  /** Whether the run did all it was asked for. */
  readonly isComplete: (sent: number, jobs: LoadTestResult['jobs'], run: Run) => boolean;
  readonly bursts?: (jobs: LoadTestResult['jobs'], run: Run) => LoadTestResult['bursts'];
  readonly steps?: (jobs: LoadTestResult['jobs'], run: Run) => LoadTestResult['steps'];
}

/** For `handleSummary()`: the result file, and a summary on the terminal. */
export function writeResult(data: SummaryData, outcome: Outcome): Record<string, string> {
  // k6 from 1.5 on has another form of this data, which people may have switched on.
  if (typeof data.metrics !== 'object') refuse('Run k6 with --new-machine-readable-summary=false');
  const run = data.setup_data as Run | null | undefined;
  if (!run) return {}; // setup refused to begin, and has said why
  const jobs = jobRecords(run);
  const counted = countOf(data, 'jobs_accepted');
  const refused = refusals(data);
  const sent = counted + Object.values(refused).reduce((sum, count) => sum + count, 0);
  const isSaturated = countOf(data, 'capacity_saturated') > 0;
  const isComplete = outcome.isComplete(sent, jobs, run);
  const ends = jobs.flatMap(({ ended_at }) => (ended_at === null ? [] : [Date.parse(ended_at)]));
  const result: LoadTestResult = {
    version: 1,
    script: outcome.script,
    parameters: { ...outcome.parameters, OPERATIONS: operations },
    experiment: experiment === '' ? null : { name: experiment, repeat, warm_up: isWarmUp },
    ...run,
    ended_at: new Date(ends.reduce((last, at) => Math.max(last, at), ends[0] ?? Date.now())).toISOString(),
    stopped: isSaturated ? 'saturated' : isComplete ? 'finished' : 'interrupted',
    api_url: apiUrl,
    // A virtual user that was stopped may have got no response to an upload that was accepted.
    uploads: { sent, accepted: Math.max(counted, jobs.length), refused, seconds: uploadSeconds(data) },
    jobs,
    lost: countOf(data, 'jobs_lost'),
    unread: Math.max(0, counted - jobs.length),
    bursts: outcome.bursts?.(jobs, run) ?? [],
    steps: outcome.steps?.(jobs, run) ?? [],
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

/** Monitoring samples every few seconds; the one before the run shows what the run found. */
const SAMPLES_BEFORE_MS = 10_000;

/** What monitoring sampled during the run; nothing where it does not respond. */
function samplesSince(startedAt: string): Sample[] {
  const since = new Date(Date.parse(startedAt) - SAMPLES_BEFORE_MS).toISOString();
  const response = http.get(`${monitoringUrl}/history?since=${since}`, { timeout: '10s' });
  const { samples } = jsonOf(response) as { samples?: Sample[] };
  return response.status === 200 && Array.isArray(samples) ? samples : [];
}
