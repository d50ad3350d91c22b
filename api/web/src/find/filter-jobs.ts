import type { Job } from '../live/jobs.ts';

export interface JobFilter {
  /** Empty: any state. */
  readonly state: string;
  /** Words that all occur in the name, id, worker or error code; letter case does not matter. */
  readonly text: string;
}

export function filterJobs(jobs: readonly Job[], { state, text }: JobFilter): readonly Job[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (state === '' && words.length === 0) return jobs;
  return jobs.filter((job) => {
    if (state !== '' && job.state !== state) return false;
    const searched = [job.name, job.id, job.worker, job.error?.code].join(' ').toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

/** The rows of a long list that are visible, and a few more. */
export function visibleRows(options: {
  readonly rows: number;
  readonly rowHeight: number;
  readonly scrolled: number;
  readonly height: number;
}): { readonly first: number; readonly end: number } {
  const { rows, rowHeight, scrolled, height } = options;
  const first = Math.min(Math.max(0, Math.floor(scrolled / rowHeight) - 5), rows);
  return { first, end: Math.min(rows, Math.ceil((scrolled + height) / rowHeight) + 5) };
}
