import type { TopLevelSpec } from 'vega-lite';
import { count, digits, list, percent, perSecond, seconds, times } from '../format.ts';
import { type Machine, medianOf, type Setting } from '../group-runs.ts';
import type { Scaling, ScalingPoint } from '../scaling.ts';
import { predictThroughput } from '../statistics.ts';
import { type Chart, dots, idealLine, ink, type Layer, ofRuns, type Size, verticalMark } from './chart.ts';

/** A dashed line, with its name at the end. */
function dashed(values: readonly { slots: number; value: number }[], name?: string): Layer[] {
  const [end] = values.slice(-1);
  if (end === undefined) return [];
  return [
    idealLine(values),
    ...(name === undefined
      ? []
      : [
          {
            data: { values: [end] },
            mark: { type: 'text', text: name, align: 'right', dx: -12, color: ink.muted },
          } satisfies Layer,
        ]),
  ];
}

/** Marks the number of cores of the machine, if it is within the plot. */
function coresMark(points: readonly ScalingPoint[], { cores }: Machine): Layer[] {
  const most = Math.max(...points.map(({ slots }) => slots));
  if (cores === null || cores > most) return [];
  return verticalMark({ slots: cores }, count(cores, 'core'));
}

/** All layers share the x axis, which shows the tested numbers of slots, and the y axis of `value`. */
function slotsSpec(
  points: readonly ScalingPoint[],
  { width, narrow }: Size,
  height: number,
  yTitle: string,
  layer: Layer[],
): TopLevelSpec {
  const slots = points.map((point) => point.slots);
  return {
    width,
    height,
    encoding: {
      x: {
        field: 'slots',
        type: 'quantitative',
        title: 'slots',
        scale: { domain: [0, Math.max(...slots) * 1.04], nice: false },
        axis: { values: slots, format: 'd', labelOverlap: narrow ? 'greedy' : true },
      },
      y: { field: 'value', type: 'quantitative', title: yTitle, scale: { zero: true } },
    },
    layer,
  };
}

/** `4.2 jobs/s with 1 slot and 8.1 jobs/s with 2 slots` */
function sentence(points: readonly ScalingPoint[], value: (point: ScalingPoint) => string): string {
  return list(points.map((point) => `${value(point)} with ${count(point.slots, 'slot')}`));
}

/** Throughput, times, speed-up and efficiency by number of slots. */
export function scalingCharts({ points, usl }: Scaling, machine: Machine): Chart[] {
  const [base] = points;
  if (base === undefined) return [];
  const most = Math.max(...points.map(({ slots }) => slots));
  const curve =
    usl === null
      ? []
      : Array.from({ length: 61 }, (_, i) => 1 + ((most - 1) * i) / 60).map((slots) => ({
          slots,
          value: predictThroughput(usl, slots),
        }));
  const perBaseSlot = base.throughput / base.slots;
  return [
    curveChart(points, machine, {
      title: 'Throughput',
      label: `Throughput by number of slots: ${sentence(points, ({ throughput }) => perSecond(throughput))}.`,
      reading: `Slots are the jobs that all workers can process at once. Each dot is one run, and the line joins the medians${usl === null ? '' : '; the dashed curve is the Universal Scalability Law'}. While the line rises, more workers help.`,
      yTitle: 'jobs/s',
      reference: dashed(curve),
      value: (throughput) => throughput,
    }),
    timesChart(points),
    curveChart(points, machine, {
      title: 'Speed-up',
      label: `Speed-up against ${count(base.slots, 'slot')}: ${sentence(points, ({ speedUp }) => times(speedUp))}.`,
      reading:
        'The dashed line is the ideal: twice as fast with twice the slots. The gap below it is the cost of sharing.',
      yTitle: `times as fast as ${count(base.slots, 'slot')}`,
      reference: dashed(
        points.map(({ slots }) => ({ slots, value: slots / base.slots })),
        'ideal',
      ),
      value: (throughput) => throughput / base.throughput,
    }),
    curveChart(points, machine, {
      title: 'Efficiency',
      label: `Efficiency of each slot: ${sentence(points, ({ efficiency }) => percent(efficiency))}.`,
      reading:
        'Speed-up divided by how many times more slots there are. At 100 %, each slot is as fast as with the fewest slots.',
      yTitle: '% of the ideal',
      reference: dashed(points.map(({ slots }) => ({ slots, value: 100 }))),
      value: (throughput, slots) => ((throughput / slots) * 100) / perBaseSlot,
    }),
  ];
}

interface Curve extends Pick<Chart, 'title' | 'label' | 'reading'> {
  readonly yTitle: string;
  /** The ideal or the fitted curve. */
  readonly reference: readonly Layer[];
  readonly value: (throughput: number, slots: number) => number;
}

/** One dot per run, and a line through the medians. */
function curveChart(
  points: readonly ScalingPoint[],
  machine: Machine,
  { yTitle, reference, value, ...texts }: Curve,
): Chart {
  const medians = points.map(({ slots, throughput }) => ({ slots, value: value(throughput, slots) }));
  const runs = points.flatMap(({ slots, setting }) =>
    setting.runs.map(({ throughput }) => ({ slots, value: value(throughput, slots) })),
  );
  return {
    ...texts,
    span: 'half',
    spec: (size) =>
      slotsSpec(points, size, 250, yTitle, [
        ...coresMark(points, machine),
        ...reference,
        { data: { values: medians }, mark: { type: 'line', color: ink.first } },
        dots(runs, ofRuns),
      ]),
  };
}

function timesChart(points: readonly ScalingPoint[]): Chart {
  const percentiles = ['p50', 'p95', 'p99'] as const;
  const runs = points.flatMap(({ slots, setting }) =>
    setting.runs.flatMap((run) =>
      percentiles.map((name) => ({ slots, name, value: run.timeToResult?.[name] ?? null })),
    ),
  );
  const p = (setting: Setting, name: 'p50' | 'p95' | 'p99') =>
    medianOf(setting, (run) => run.timeToResult?.[name]);
  const medians = points.flatMap(({ slots, setting }) =>
    percentiles.map((name) => ({ slots, name, value: p(setting, name) })),
  );
  const colour = { field: 'name', type: 'nominal', scale: { domain: [...percentiles] } } as const;
  return {
    title: 'Time to result',
    label: `95th percentile of the time to result by number of slots: ${sentence(points, ({ setting }) => seconds(p(setting, 'p95')))}.`,
    reading:
      'Seconds from upload to result. Half of the jobs were faster than p50; one in twenty was slower than p95.',
    span: 'half',
    spec: (size) =>
      slotsSpec(points, size, 226, 'seconds', [
        { data: { values: medians }, mark: { type: 'line' }, encoding: { color: colour } },
        { ...dots(runs, { size: 42, opacity: 0.8 }), encoding: { color: colour, shape: colour } },
      ]),
  };
}

/** The same numbers as a table. */
export function scalingRows(points: readonly ScalingPoint[]): { titles: string[]; rows: string[][] } {
  const columns: readonly (readonly [title: string, cell: (point: ScalingPoint) => string])[] = [
    ['slots', ({ slots }) => String(slots)],
    ['workers × slots', ({ setting }) => setting.layouts.join(', ')],
    ['runs', ({ setting }) => String(setting.runs.length)],
    ['jobs/s', ({ throughput }) => digits(throughput)],
    ['p50 s', ({ setting }) => digits(medianOf(setting, (run) => run.timeToResult?.p50))],
    ['p95 s', ({ setting }) => digits(medianOf(setting, (run) => run.timeToResult?.p95))],
    ['p99 s', ({ setting }) => digits(medianOf(setting, (run) => run.timeToResult?.p99))],
    ['speed-up', ({ speedUp }) => times(speedUp)],
    ['efficiency', ({ efficiency }) => percent(efficiency)],
    ['processing s', ({ setting }) => digits(medianOf(setting, (run) => run.processing))],
    ['busy', ({ setting }) => percent(medianOf(setting, (run) => run.utilisation))],
  ];
  return {
    titles: columns.map(([title]) => title),
    rows: points.map((point) => columns.map(([, cell]) => cell(point))),
  };
}
