import { firstUpload } from '../../calculate.ts';
import type { JobRecord } from '../../result.ts';
import { count, list, whole } from '../format.ts';
import { type Setting, slotsOf, typicalRun } from '../group-runs.ts';
import { type Chart, ink, sharedTimeAxis } from './chart.ts';

/** Limits for the size of the report. */
const MAX_JOBS = 300;
const MAX_ROWS = 24;
const MAX_PANELS = 8;

/** When a job occupied a slot of a worker, in milliseconds since 1970. */
interface Occupation {
  readonly worker: string;
  /** From 1. */
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  readonly job: JobRecord;
}

/**
 * A result has the worker of a job, but not the slot: each job is assigned to the first free slot of its worker. Clocks are
 * not exact, so if all slots of the worker are taken, the job is assigned to the one that is free first.
 */
export function occupationsOf(
  jobs: readonly JobRecord[],
  slots: ReadonlyMap<string, number | null>,
): Occupation[] {
  const freeAt = new Map<string, number[]>();
  const started = jobs.flatMap((job) => {
    const { worker, started_at, ended_at } = job;
    if (worker === null || started_at === null || ended_at === null) return [];
    return [{ worker, job, from: Date.parse(started_at), to: Date.parse(ended_at) }];
  });
  started.sort((one, other) => one.from - other.from);
  return started.map(({ worker, job, from, to }) => {
    const free = freeAt.get(worker) ?? [];
    freeAt.set(worker, free);
    let slot = free.findIndex((moment) => moment <= from);
    if (slot === -1) {
      const full = free.length > 0 && free.length >= (slots.get(worker) ?? Infinity);
      slot = full ? free.indexOf(Math.min(...free)) : free.length;
    }
    free[slot] = to;
    return { worker, slot: slot + 1, from, to, job };
  });
}

const OUTCOMES = ['completed', 'completed after a retry', 'failed'] as const;

function outcomeOf({ state, attempts }: JobRecord): (typeof OUTCOMES)[number] {
  if (state === 'failed') return 'failed';
  return attempts > 1 ? 'completed after a retry' : 'completed';
}

interface Panel {
  readonly title: string;
  readonly rows: readonly string[];
  readonly bars: readonly {
    readonly row: string;
    /** Seconds since the first upload. */
    readonly from: number;
    readonly to: number;
    readonly outcome: (typeof OUTCOMES)[number];
  }[];
  /** Number of omitted jobs. */
  readonly hidden: number;
}

function panelOf(setting: Setting): Panel[] {
  const run = typicalRun(setting);
  if (run === undefined) return [];
  const { jobs, workers } = run.result;
  const start = firstUpload(jobs);
  const all = occupationsOf(jobs, new Map(workers.map(({ name, slots }) => [name, slots])));
  const several = new Set(all.filter(({ slot }) => slot > 1).map(({ worker }) => worker));
  const rowOf = ({ worker, slot }: Occupation) => (several.has(worker) ? `${worker} · ${slot}` : worker);
  const first = all.slice(0, MAX_JOBS);
  const rows = [...new Set(first.map(rowOf))]
    .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .slice(0, MAX_ROWS);
  const bars = first
    .map((one) => ({
      row: rowOf(one),
      from: (one.from - start) / 1_000,
      to: (one.to - start) / 1_000,
      outcome: outcomeOf(one.job),
    }))
    .filter(({ row }) => rows.includes(row));
  return bars.length === 0 ? [] : [{ title: slotsOf(setting), rows, bars, hidden: all.length - bars.length }];
}

/** One row per slot and one bar per job, for the typical run of each setting; all on the same time axis. */
export function ganttChart(settings: readonly Setting[]): Chart[] {
  const panels = settings.flatMap(panelOf).slice(0, MAX_PANELS);
  if (panels.length === 0) return [];
  const bars = panels.flatMap((panel) => panel.bars);
  const outcomes = OUTCOMES.filter((outcome) => bars.some((bar) => bar.outcome === outcome));
  const end = Math.max(...bars.map(({ to }) => to));
  const longest = Math.max(...bars.map(({ row }) => row.length));
  const hidden = panels.some((panel) => panel.hidden > 0)
    ? ` At most the first ${whole(MAX_JOBS)} jobs of a run are shown.`
    : '';
  return [
    {
      title: 'Jobs on workers',
      label: `Gantt chart of jobs on the slots of the workers: ${list(panels.map((panel) => `${count(panel.bars.length, 'job')} on ${panel.title}`))}.`,
      reading: `One row is one slot and one bar is one job, from the start of its last attempt to its end; a gap is idle time.${hidden}`,
      span: 'full',
      spec: ({ width, narrow }) => {
        const characters = Math.min(narrow ? 12 : 26, longest);
        const labels = characters * 7.2 + 8;
        return {
          bounds: 'flush',
          spacing: 36,
          vconcat: panels.map(({ title, rows, bars: values }, i) => ({
            title,
            width: width - Math.max(0, labels - 40),
            height: { step: rows.length > 12 ? 14 : 20 },
            data: { values: [...values] },
            mark: { type: 'bar', stroke: ink.paper, strokeWidth: narrow ? 0.3 : 0.7 },
            encoding: {
              x: sharedTimeAxis(end, i === panels.length - 1, narrow, 'from'),
              x2: { field: 'to' },
              y: {
                field: 'row',
                type: 'nominal',
                sort: [...rows],
                title: null,
                scale: { paddingInner: 0.18, paddingOuter: 0.1 },
                axis: {
                  // Vega cannot measure text here and takes it for wider than it is. Labels that start at the left
                  // edge and may seem to reach into the plot are not cut off, and do not widen the chart.
                  labelAlign: 'left',
                  // The end of a name distinguishes workers and slots.
                  labelExpr: `length(datum.label) > ${characters} ? '…' + slice(datum.label, ${1 - characters}) : datum.label`,
                  labelPadding: labels,
                  labelLimit: labels * 1.5,
                  minExtent: labels,
                  maxExtent: labels,
                  grid: false,
                },
              },
              color: {
                field: 'outcome',
                type: 'nominal',
                scale: { domain: outcomes, range: outcomes.map((outcome) => COLOURS[outcome]) },
                legend:
                  outcomes.length === 1 ? null : { symbolType: 'square', columns: narrow ? 2 : 3, offset: 4 },
              },
            },
          })),
        };
      },
    },
  ];
}

const COLOURS: Record<(typeof OUTCOMES)[number], string> = {
  completed: ink.first,
  'completed after a retry': ink.third,
  failed: ink.second,
};
