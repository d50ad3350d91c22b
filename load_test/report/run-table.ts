import type { Script } from '../result.ts';
import { digits, moment, percent, plain, seconds, whole } from './format.ts';
import type { Measures } from './measure-run.ts';
import { median } from './statistics.ts';

export interface RunColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cell: (measures: Measures) => string;
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

/** What the test measures: utilization of the slots, recovery from bursts, or the knee. */
function outcomeOf(measures: Measures): string {
  const { script, stopped, unread, lost, recoveries, steps, knee, utilisation } = measures;
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
