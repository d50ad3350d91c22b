import { signal } from '@preact/signals';
import type { JobEvent } from '../../../../shared/contracts/event.ts';
import { applyEvent, applyListed, type Job, type ListedJob } from './jobs.ts';

/** Maximum number of jobs in memory; the oldest are evicted first. */
const REMEMBERED = 10_000;

const byId = new Map<string, Job>();
/** Jobs that are not in the list yet. */
const added = new Set<string>();

/** Between two updates of the page, in milliseconds, however many events arrive. */
const UPDATE_MS = 50;

/** All known jobs, newest first. */
export const jobs = signal<readonly Job[]>([]);

/** Whether the list of the jobs before the first event has been read. */
export const isListed = signal(false);

/** The newest events, newest first, with the time at which the page received them. */
export const recentEvents: { readonly event: JobEvent; readonly at: number }[] = [];
const MAX_RECENT_EVENTS = 200;

let scheduled = false;
let updatedAt = 0;

/** The first change is shown at once, those that follow soon after it together. */
function changed(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(update, Math.max(0, updatedAt + UPDATE_MS - performance.now()));
}

function update(): void {
  scheduled = false;
  updatedAt = performance.now();
  const known = jobs.value.flatMap(({ id }) => byId.get(id) ?? []);
  if (added.size > 0) {
    known.push(...[...added].flatMap((id) => byId.get(id) ?? []));
    added.clear();
    // Job ids sort by creation time.
    known.sort((one, other) => (one.id < other.id ? 1 : -1));
    for (const old of known.splice(REMEMBERED)) byId.delete(old.id);
  }
  jobs.value = known;
}

/** The newest state of a job; a component that calls this follows it. */
export function jobOf(id: string): Job | undefined {
  return jobs.value.length === 0 ? undefined : byId.get(id);
}

function keep(job: Job): void {
  if (!byId.has(job.id)) added.add(job.id);
  byId.set(job.id, job);
}

export function addEvent(event: JobEvent): void {
  keep(applyEvent(byId.get(event.data.job_id), event));
  recentEvents.unshift({ event, at: Date.now() });
  recentEvents.length = Math.min(recentEvents.length, MAX_RECENT_EVENTS);
  changed();
}

export function addListed(listed: readonly ListedJob[]): void {
  for (const job of listed) keep(applyListed(byId.get(job.id), job));
  changed();
}

export function forgetJobs(): void {
  byId.clear();
  added.clear();
  isListed.value = false;
  jobs.value = [];
}
