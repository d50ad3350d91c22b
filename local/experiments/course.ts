import type { ApiClient, Job } from '../pipeline/api-client.ts';
import type { Column } from '../terminal/table.ts';
import { until } from './until.ts';

/** How a job went, as its status shows it. Times in milliseconds since 1970. */
export interface Course {
  readonly jobId: string;
  readonly status: Job['status'];
  /** That has or had the last attempt, as `make ps` shows it. */
  readonly worker: string | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly redelivered: boolean;
  /** How often it has ended: once, if all is well. */
  readonly ends: number;
}

/** @param nameOf a worker as `make ps` shows it, by its name in timelines */
export function courseOf(job: Job, nameOf: (inTimeline: string) => string): Course {
  const start = job.timeline.findLast(({ state }) => state === 'processing');
  const ends = job.timeline.filter(({ state }) => state === 'completed' || state === 'failed');
  const end = ends.at(-1);
  return {
    jobId: job.job_id,
    status: job.status,
    worker: start?.worker === undefined ? undefined : nameOf(start.worker),
    startedAt: start && Date.parse(start.at),
    endedAt: end && Date.parse(end.at),
    redelivered: start?.redelivered === true,
    ends: ends.length + job.runs.length,
  };
}

export const isInProgress = ({ status }: Course): boolean => status === 'processing';
export const hasEnded = ({ status }: Course): boolean => status === 'completed' || status === 'failed';

/** The courses of these jobs at this moment. */
export async function coursesOf(
  api: ApiClient,
  jobIds: readonly string[],
  nameOf: (inTimeline: string) => string,
): Promise<Course[]> {
  return Promise.all(jobIds.map(async (id) => courseOf(await api.job(id), nameOf)));
}

/** The courses of these jobs when all have ended, or when `deadlineMs` have passed. */
export async function endedCourses(
  look: () => Promise<Course[]>,
  options: { readonly deadlineMs: number; readonly stop: AbortSignal },
): Promise<Course[]> {
  const ended = await until(async () => {
    const courses = await look();
    return courses.every(hasEnded) ? courses : undefined;
  }, options);
  return ended ?? look();
}

/** A job id as tables show it: the first digits of a UUIDv7 are a time, and alike. */
export const shortId = (jobId: string): string => `…${jobId.slice(-8)}`;

export const courseColumns: readonly Column[] = [
  { title: 'JOB' },
  { title: 'WORKER' },
  { title: 'STARTED', align: 'right' },
  { title: 'ENDED', align: 'right' },
  { title: 'REDELIVERED' },
  { title: 'STATE' },
];

/** One row a job, in the order of their starts. @param zero what times are relative to */
export function courseRows(courses: readonly Course[], zero: number): string[][] {
  const seconds = (at: number | undefined) => {
    if (at === undefined) return '-';
    const passed = (at - zero) / 1_000;
    return `${passed < 0 ? '−' : '+'}${Math.abs(passed).toFixed(1)} s`;
  };
  return courses
    .toSorted((one, other) => (one.startedAt ?? Infinity) - (other.startedAt ?? Infinity))
    .map(({ jobId, worker, startedAt, endedAt, redelivered, status }) => [
      shortId(jobId),
      worker ?? '-',
      seconds(startedAt),
      seconds(endedAt),
      redelivered ? 'yes' : 'no',
      status,
    ]);
}
