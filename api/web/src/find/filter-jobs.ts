import type { Job } from '../live/jobs.ts';

/** What to find. Empty texts match everything; times are in milliseconds since 1970. */
export interface JobFilter {
  readonly state: string;
  readonly error: string;
  readonly worker: string;
  /** Part of the file name or of the id; letter case does not matter. */
  readonly name: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

const MINUTE_MS = 60_000;

/** The filter in an address: `?state=failed&last=60`, or with `from` and `to` as ISO timestamps. */
export function filterOf(query: URLSearchParams, now: number): JobFilter {
  const text = (name: string) => query.get(name) ?? '';
  const time = (name: string) => {
    const given = Date.parse(text(name));
    return Number.isNaN(given) ? undefined : given;
  };
  const last = Number(text('last'));
  return {
    state: text('state'),
    error: text('error'),
    worker: text('worker'),
    name: text('name').trim(),
    from: last > 0 ? now - last * MINUTE_MS : time('from'),
    to: last > 0 ? undefined : time('to'),
  };
}

export function filterJobs(jobs: readonly Job[], filter: JobFilter): readonly Job[] {
  const { state, error, worker, from, to } = filter;
  const name = filter.name.toLowerCase();
  return jobs.filter((job) => {
    const submitted = from === undefined && to === undefined ? 0 : Date.parse(job.submittedAt);
    return (
      (state === '' || job.state === state) &&
      (error === '' || job.error?.code === error) &&
      (worker === '' || job.worker === worker) &&
      (name === '' || job.name?.toLowerCase().includes(name) === true || job.id.includes(name)) &&
      (from === undefined || submitted >= from) &&
      (to === undefined || submitted < to)
    );
  });
}

/** The same for `GET /jobs`; undefined if nothing is filtered. */
export function listQuery({ state, error, worker, name, from, to }: JobFilter): URLSearchParams | undefined {
  const time = (ms: number | undefined) => (ms === undefined ? '' : new Date(ms).toISOString());
  const given = { status: state, error, worker, name, from: time(from), to: time(to) };
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ''));
  return query.size === 0 ? undefined : query;
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
