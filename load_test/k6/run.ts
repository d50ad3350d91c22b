import { sleep } from 'k6';
import http from 'k6/http';
import type { LoadTestResult, Script } from '../result.ts';
import { apiUrl, jsonOf, refusalThresholds, untilEnded } from './api.ts';
import { openJobs } from './job-records.ts';
import { address, refuse, text, wholeNumber } from './settings.ts';

export const monitoringUrl = address('MONITORING_URL', 'http://localhost:8002');

/** Wait until this number of workers is consuming; 0: any number. */
const expectedWorkers = wholeNumber('WORKERS', { min: 0, max: 1_000, fallback: 0 });
const runId = text('RUN_ID');
if (!/^[\w.-]{0,100}$/.test(runId)) refuse('RUN_ID is invalid: use up to 100 letters, digits, _ . and -');

const WORKERS_DEADLINE_MS = 60_000;
/** Time limit for the jobs of an interrupted run, in seconds. */
const DRAIN_S = 300;

/** Options that the scripts have in common. */
export const commonOptions = {
  batch: 20,
  batchPerHost: 20,
  setupTimeout: '2m',
  teardownTimeout: '10m',
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)'],
  // A run fails, with exit code 99, when a job is lost.
  thresholds: { jobs_lost: ['count==0'], ...refusalThresholds },
};

/** The data that `setup()` passes to `handleSummary()`. */
export type Run = Pick<
  LoadTestResult,
  'run_id' | 'started_at' | 'machine' | 'versions' | 'workers' | 'host' | 'runtime'
>;

/** For `setup()`: checks that the system is ready, and records its environment. Ends the run with one line if it is not. */
export function begin(script: Script): Run {
  const ready = http.get(`${apiUrl}/readyz`, { timeout: '10s' });
  if (ready.status === 0) {
    refuse(`The API at ${apiUrl} does not respond. Start the system: make up, or docker-compose up -d`);
  }
  if (ready.status !== 200) {
    refuse(`The API at ${apiUrl} is not ready (${String(jsonOf(ready)['reason'])}). See: make ps`);
  }
  const snapshot = snapshotWithWorkers();
  const now = new Date();
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const random = Math.floor(Math.random() * 0xffff)
    .toString(16)
    .padStart(4, '0');
  return {
    run_id: runId === '' ? `${script}-${stamp}-${random}` : runId,
    started_at: now.toISOString(),
    machine: snapshot?.machine ?? null,
    versions: {
      pipeline: null,
      node: null,
      rabbitmq: null,
      ...snapshot?.versions,
      k6: orNull(text('K6_VERSION')),
    },
    host: orNull(text('HOST_ID')),
    runtime: orNull(text('RUNTIME_KIND')),
    workers: liveWorkers(snapshot).map(({ name, slots }) => ({ name, slots })),
  };
}

const orNull = (given: string) => (given === '' ? null : given);

/**
 * For `teardown()`: waits for the open jobs of an interrupted run, so that the next run starts on an idle system. Jobs that
 * are open after that are open in the result.
 */
export function drain(run: Run): void {
  const deadline = Date.now() + DRAIN_S * 1_000;
  const unknown = new Set<string>();
  // Uploads in flight at the interruption may be accepted a little later.
  for (;;) {
    const open = openJobs(run).filter((jobId) => !unknown.has(jobId));
    if (open.length === 0 || Date.now() > deadline) return;
    for (const jobId of open) {
      const left = Math.ceil((deadline - Date.now()) / 1_000);
      if (untilEnded(jobId, left) === 'unknown') unknown.add(jobId);
    }
  }
}

/** The fields of the monitoring snapshot that are used here. */
interface Snapshot {
  readonly machine?: LoadTestResult['machine'];
  readonly versions?: Partial<LoadTestResult['versions']>;
  readonly workers: readonly {
    readonly name: string;
    readonly slots: number | null;
    readonly live: boolean;
  }[];
}

function snapshotWithWorkers(): Snapshot | undefined {
  const deadline = Date.now() + WORKERS_DEADLINE_MS;
  for (;;) {
    const snapshot = readSnapshot();
    if (snapshot === undefined) {
      console.warn(`Monitoring at ${monitoringUrl} does not respond: workers and machine will be unknown.`);
      return undefined;
    }
    const live = liveWorkers(snapshot).length;
    if (expectedWorkers === 0 ? live > 0 : live === expectedWorkers) return snapshot;
    if (Date.now() > deadline) {
      return expectedWorkers === 0
        ? refuse('No worker is consuming. Start one: make start-worker, or docker-compose start worker')
        : refuse(
            `WORKERS=${expectedWorkers}, but ${live} workers are consuming. Set their number: make scale N=${expectedWorkers}`,
          );
    }
    sleep(0.5);
  }
}

function readSnapshot(): Snapshot | undefined {
  const response = http.get(`${monitoringUrl}/status`, { timeout: '10s' });
  if (response.status !== 200) return undefined;
  const body = jsonOf(response);
  return Array.isArray(body['workers']) ? (body as unknown as Snapshot) : undefined;
}

function liveWorkers(snapshot: Snapshot | undefined): Snapshot['workers'] {
  return snapshot?.workers.filter(({ live }) => live) ?? [];
}
