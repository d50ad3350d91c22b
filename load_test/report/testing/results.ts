import type { JobRecord, LoadTestResult } from '../../result.ts';
import { conclude } from '../conclude.ts';
import { groupRuns, type Machine, type Test } from '../group-runs.ts';
import { simulateBulk } from './simulate.ts';

/** This many seconds after 2026-11-29 04:00:00 UTC. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 29, 4) + seconds * 1_000).toISOString();
}

/** A completed job by its three moments, in seconds. */
export function job(
  queued: number,
  started: number,
  ended: number,
  changes: Partial<JobRecord> = {},
): JobRecord {
  return {
    job_id: `job-${queued}-${started}`,
    image: 'sample.jpg',
    state: 'completed',
    group: null,
    queued_at: at(queued),
    started_at: at(started),
    ended_at: at(ended),
    worker: 'worker-1',
    attempts: 1,
    error: null,
    ...changes,
  };
}

/** The only test that these results belong to, and its machine. */
export function onlyTest(results: readonly LoadTestResult[]): { test: Test; machine: Machine } {
  const { machines } = groupRuns(results.map((result) => ({ file: `${result.run_id}.json`, result })));
  const [only] = machines;
  const [test] = only?.tests ?? [];
  if (only === undefined || test === undefined || machines.length + only.tests.length > 2) {
    throw new Error('The results are not of one test.');
  }
  return { test, machine: only.machine };
}

/** A run with this throughput and time that a job takes in a slot: 100 jobs, one after the other on each slot. */
export function runWith(
  slots: number,
  throughput: number,
  { processing = slots / throughput, repeat = 1, cores = 2 } = {},
): LoadTestResult {
  const count = 100;
  const jobs = Array.from({ length: count }, (_, i) => {
    const ended = (i + 1) / throughput;
    const worker = `worker-${(i % slots) + 1}`;
    return job(0, Math.max(0, ended - processing), ended, { job_id: `job-${i}`, worker });
  });
  return simulateBulk({ workers: slots, cores }, count, {
    run_id: `run-${slots}-${repeat}-${throughput}`,
    jobs,
  });
}

/** The texts of the conclusions from these runs, by kind. */
export function conclusionsOf(results: readonly LoadTestResult[]): Record<string, string> {
  const { test, machine } = onlyTest(results);
  return Object.fromEntries(conclude(test, machine).map(({ kind, text }) => [kind, text]));
}
