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

/** What the test was made to find: the recovery of its bursts, its knee, or how busy the slots were. */
function outcomeOf({ script, stopped, recoveries, steps, knee, utilisation }: Measures): string {
  if (stopped === 'interrupted') return 'interrupted';
  switch (script) {
    case 'bulk_upload':
      return utilisation === null ? '' : `${percent(utilisation)} busy`;
    case 'burst_test': {
      const recovered = recoveries.flatMap((recovery) => recovery.seconds ?? []);
      if (recovered.length < recoveries.length) {
        return `${recovered.length}/${recoveries.length} back`;
      }
      return `back ${seconds(median(recovered))}`;
    }
    case 'capacity_test':
      if (steps.length === 0) return '';
      if (steps.every(({ sustained }) => sustained)) return 'no knee';
      return knee === null ? `knee < ${plain(steps[0]?.rate ?? 0)}/s` : `knee ${plain(knee.rate)}/s`;
  }
}
