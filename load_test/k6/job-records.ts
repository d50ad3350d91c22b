import { sleep } from 'k6';
import http from 'k6/http';
import type { JobRecord } from '../result.ts';
import { apiUrl, jsonOf } from './api.ts';
import { text } from './settings.ts';

/*
 * The virtual users of k6 share no memory, so the jobs of a run are looked up at its end: the file name of each upload
 * starts with the id of the run and the number of its group.
 */

/** Concurrent status requests. */
const BATCH = 20;
const PAGE = 100;
/** Pause before a retry if the API is unavailable, in seconds. */
const RETRY_S = 1;
/** k6 allows two minutes for the whole summary. */
const READ_DEADLINE_MS = 30_000;
/** Tolerance for clock differences: no job of the run was submitted earlier, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

interface RunOfJobs {
  readonly run_id: string;
  readonly started_at: string;
}

export function uploadName(run: RunOfJobs, group: number | null, image: string): string {
  return `${run.run_id}.${group ?? 0}.${image}`;
}

/** Ids of the jobs of a run that have not ended. */
export function openJobs(run: RunOfJobs): string[] {
  return jobsOf(run)
    .filter(({ status }) => status !== 'completed' && status !== 'failed')
    .map(({ job_id }) => job_id);
}

/** All jobs of a run with their timelines, in the order of their uploads. */
export function jobRecords(run: RunOfJobs): JobRecord[] {
  const records = new Map<string, JobRecord>();
  const ids = jobsOf(run).map(({ job_id }) => job_id);
  const deadline = Date.now() + READ_DEADLINE_MS;
  for (let left = ids; left.length > 0 && Date.now() < deadline;) {
    const failed: string[] = [];
    for (let from = 0; from < left.length; from += BATCH) {
      const batch = left.slice(from, from + BATCH);
      const responses = http.batch(
        batch.map((jobId) => ({ method: 'GET', url: `${apiUrl}/status/${jobId}` })),
      );
      for (const [index, response] of responses.entries()) {
        const jobId = batch[index];
        if (jobId === undefined) continue;
        if (response.status === 200) {
          records.set(jobId, recordOf(run, jsonOf(response) as unknown as JobStatus));
        } else if (response.status !== 404) failed.push(jobId);
      }
    }
    left = failed;
    if (left.length > 0) sleep(RETRY_S);
  }
  return ids.flatMap((jobId) => records.get(jobId) ?? []).reverse();
}

/** The fields of `GET /jobs` and `GET /status/{job_id}` that are used here. */
interface JobSummary {
  readonly job_id: string;
  readonly name: string;
  readonly status: string;
  readonly submitted_at: string;
}
interface JobStatus {
  readonly job_id: string;
  readonly status: JobRecord['state'];
  readonly attempt: number;
  readonly submitted_at: string;
  readonly original: { readonly name: string };
  readonly timeline: readonly { readonly state: string; readonly at: string; readonly worker?: string }[];
  readonly error?: { readonly code: string };
}

/** Newest first. */
function jobsOf(run: RunOfJobs): JobSummary[] {
  const token = text('API_TOKEN');
  const headers = token === '' ? {} : { Authorization: `Bearer ${token}` };
  const earliest = Date.parse(run.started_at) - CLOCK_SKEW_MS;
  const jobs: JobSummary[] = [];
  let cursor = '';
  do {
    const page = pageOf(`${apiUrl}/jobs?limit=${PAGE}${cursor}`, headers);
    jobs.push(...page.jobs.filter(({ name }) => name.startsWith(`${run.run_id}.`)));
    const oldest = page.jobs[page.jobs.length - 1];
    const hasMore = oldest !== undefined && Date.parse(oldest.submitted_at) >= earliest;
    cursor = hasMore && page.next_cursor ? `&cursor=${page.next_cursor}` : '';
  } while (cursor !== '');
  return jobs;
}

interface JobPage {
  readonly jobs: readonly JobSummary[];
  readonly next_cursor: string | null;
}

/** An empty page if the API does not respond in time. */
function pageOf(url: string, headers: Record<string, string>): JobPage {
  const deadline = Date.now() + READ_DEADLINE_MS;
  for (;;) {
    const response = http.get(url, { headers });
    if (response.status === 200) return jsonOf(response) as unknown as JobPage;
    if (Date.now() > deadline) return { jobs: [], next_cursor: null };
    sleep(RETRY_S);
  }
}

function recordOf(run: RunOfJobs, status: JobStatus): JobRecord {
  const [group = '0', ...image] = status.original.name.slice(run.run_id.length + 1).split('.');
  const starts = status.timeline.filter(({ state }) => state === 'processing');
  const start = starts[starts.length - 1];
  const end = status.timeline.find(({ state }) => state === 'completed' || state === 'failed');
  return {
    job_id: status.job_id,
    image: image.join('.'),
    state: status.status,
    group: group === '0' ? null : Number(group),
    queued_at: status.submitted_at,
    started_at: start?.at ?? null,
    ended_at: end?.at ?? null,
    worker: start?.worker ?? null,
    attempts: status.attempt,
    error: status.error?.code ?? null,
  };
}
