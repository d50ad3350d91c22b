import type { Script } from '../result.ts';
import type { Run } from './measure-run.ts';
import { median } from './statistics.ts';

/* Numbers for people. Units do not depend on the size, so that numbers in a column can be compared. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** About three digits: `0.42`, `7.61`, `15.4`, `1,250`; `–` if unknown. */
export function digits(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 99.95) return grouped.format(value);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** A setting, such as a rate or an interval: `6`, `0.5`. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(3)));
}

export function whole(value: number): string {
  return grouped.format(value);
}

export function seconds(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '–' : `${digits(value)} s`;
}

export function perSecond(value: number): string {
  return `${digits(value)} jobs/s`;
}

/** `1.93×`, `12.4×` */
export function times(ratio: number): string {
  return `${digits(ratio)}×`;
}

export function percent(share: number | null): string {
  return share === null || !Number.isFinite(share) ? '–' : `${(share * 100).toFixed(0)} %`;
}

/** `1 job`, `3 jobs`; the plural takes an s unless it is given. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${whole(value)} ${value === 1 ? noun : plural}`;
}

/** `a`, `a and b`, `a, b and c` */
export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** In UTC, so that a report is the same everywhere: `2026-11-29 04:14`. */
export function moment(iso: string): string {
  return new Date(iso).toISOString().slice(0, 16).replace('T', ' ');
}

export interface RunColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cell: (run: Run) => string;
}

const SHORT: Record<Script, string> = { bulk_upload: 'bulk', burst_test: 'burst', capacity_test: 'capacity' };

/** The table of all runs, the same on the terminal and in the report. Times are seconds from upload to result. */
export const runColumns: readonly RunColumn[] = [
  { title: 'test', align: 'left', cell: ({ script }) => SHORT[script] },
  { title: 'w×s', align: 'right', cell: ({ layout }) => layout.replaceAll(' ', '') },
  { title: 'jobs', align: 'right', cell: ({ jobs }) => whole(jobs) },
  { title: 'jobs/s', align: 'right', cell: ({ throughput }) => digits(throughput) },
  { title: 'p50 s', align: 'right', cell: ({ timeToResult }) => digits(timeToResult?.p50 ?? null) },
  { title: 'p95 s', align: 'right', cell: ({ timeToResult }) => digits(timeToResult?.p95 ?? null) },
  { title: 'p99 s', align: 'right', cell: ({ timeToResult }) => digits(timeToResult?.p99 ?? null) },
  { title: 'fail', align: 'right', cell: ({ counts }) => whole(counts.failed) },
  { title: 'lost', align: 'right', cell: ({ lost }) => whole(lost) },
  { title: 'outcome', align: 'left', cell: outcomeOf },
  { title: 'started', align: 'left', cell: ({ startedAt }) => moment(startedAt).slice(5) },
];

/** The main metric of the test: utilization of the slots, recovery time, or the knee. */
function outcomeOf(run: Run): string {
  const { script, stopped, unread, lost, recoveries, steps, knee, utilisation } = run;
  if (stopped === 'interrupted') return 'interrupted';
  if (unread > 0) return `${whole(unread)} unread`;
  if (lost > 0) return 'incomplete';
  switch (script) {
    case 'bulk_upload':
      return utilisation === null ? '' : `${percent(utilisation)} busy`;
    case 'burst_test': {
      if (recoveries.length === 0) return '';
      const recovered = recoveries.flatMap((recovery) => recovery.seconds ?? []);
      if (recovered.length < recoveries.length) {
        return `${recovered.length}/${recoveries.length} recovered`;
      }
      return `recovered ${seconds(median(recovered))}`;
    }
    case 'capacity_test':
      if (steps.length === 0) return '';
      if (steps.every(({ sustained }) => sustained)) return `knee ≥ ${plain(knee?.rate ?? 0)}/s`;
      return knee === null ? `knee < ${plain(steps[0]?.rate ?? 0)}/s` : `knee ${plain(knee.rate)}/s`;
  }
}
