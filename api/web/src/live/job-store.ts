import { signal } from '@preact/signals';
import type { JobEvent } from '../../../../shared/contracts/event.ts';
import { applyEvent, applyListed, type Job, type ListedJob } from './jobs.ts';

/** Jobs that the page remembers; the oldest are forgotten first. */
const REMEMBERED = 10_000;

const byId = new Map<string, Job>();

/** Between two updates of the page, in milliseconds, however many events arrive. */
const UPDATE_MS = 50;

/** All known jobs, newest first. */
export const jobs = signal<readonly Job[]>([]);

/** The newest events, newest first, with the time at which the page received them. */
export const heard: { readonly event: JobEvent; readonly at: number }[] = [];
const HEARD = 200;

let scheduled = false;

function changed(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    // Job ids sort by creation time.
    const sorted = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
    for (const old of sorted.splice(REMEMBERED)) byId.delete(old.id);
    jobs.value = sorted;
  }, UPDATE_MS);
}

export function jobOf(id: string): Job | undefined {
  return byId.get(id);
}

export function hear(event: JobEvent): void {
  const id = event.data.job_id;
  byId.set(id, applyEvent(byId.get(id), event));
  heard.unshift({ event, at: Date.now() });
  heard.length = Math.min(heard.length, HEARD);
  changed();
}

export function learn(listed: readonly ListedJob[]): void {
  for (const job of listed) byId.set(job.id, applyListed(byId.get(job.id), job));
  changed();
}

export function forgetJobs(): void {
  byId.clear();
  changed();
}
