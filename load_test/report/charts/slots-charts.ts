import type { TopLevelSpec } from 'vega-lite';
import { count, digits, list, percent, perSecond, seconds, times } from '../format.ts';
import { type Machine, medianOf } from '../group-runs.ts';
import type { Run } from '../measure-run.ts';
import { predictThroughput, type Scaling, type ScalingPoint } from '../scaling.ts';
import { type Chart, dots, idealLine, ink, type Layer, ofRuns, type Size, verticalMark } from './chart.ts';

/** One dot per run, and a line through the medians. */
function dotsAndMedians(
  points: readonly ScalingPoint[],
  ofRun: (run: Run) => number,
  ofPoint: (point: ScalingPoint) => number,
): Layer[] {
  const runs = points.flatMap(({ slots, setting }) =>
    setting.runs.map((run) => ({ slots, value: ofRun(run) })),
  );
  return [
    {
      data: { values: points.map((point) => ({ slots: point.slots, value: ofPoint(point) })) },
      mark: { type: 'line', color: ink.first },
    },
    dots(runs, ofRuns),
  ];
}

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
export function scalingCharts(scaling: Scaling, machine: Machine): Chart[] {
  return [
    throughputChart(scaling, machine),
    timesChart(scaling),
    speedUpChart(scaling, machine),
    efficiencyChart(scaling, machine),
  ];
}

function throughputChart(scaling: Scaling, machine: Machine): Chart {
  const { points, usl } = scaling;
  const most = Math.max(...points.map(({ slots }) => slots));
  const curve =
    usl === null ? [] : grid(1, most).map((slots) => ({ slots, value: predictThroughput(usl, slots) }));
  return {
    title: 'Throughput',
    label: `Throughput by number of slots: ${sentence(points, ({ throughput }) => perSecond(throughput))}.`,
    reading: `Slots are the jobs that all workers can process at once. Each dot is one run, and the line joins the medians${usl === null ? '' : '; the dashed curve is the Universal Scalability Law'}. While the line rises, more workers help.`,
    span: 'half',
    spec: (size) =>
      slotsSpec(points, size, 250, 'jobs/s', [
        ...coresMark(points, machine),
        ...dashed(curve),
        ...dotsAndMedians(
          points,
          (run) => run.measures.throughput,
          ({ throughput }) => throughput,
        ),
      ]),
  };
}

function grid(from: number, to: number): number[] {
  return Array.from({ length: 61 }, (_, i) => from + ((to - from) * i) / 60);
}

function timesChart({ points }: Scaling): Chart {
  const percentiles = ['p50', 'p95', 'p99'] as const;
  const runs = points.flatMap(({ slots, setting }) =>
    setting.runs.flatMap(({ measures }) =>
      percentiles.map((name) => ({ slots, name, value: measures.timeToResult?.[name] ?? null })),
    ),
  );
  const medians = points.flatMap(({ slots, setting }) =>
    percentiles.map((name) => ({
      slots,
      name,
      value: medianOf(setting, ({ measures }) => measures.timeToResult?.[name]),
    })),
  );
  const colour = { field: 'name', type: 'nominal', scale: { domain: [...percentiles] } } as const;
  return {
    title: 'Time to result',
    label: `95th percentile of the time to result by number of slots: ${sentence(points, ({ setting }) => seconds(medianOf(setting, ({ measures }) => measures.timeToResult?.p95)))}.`,
    reading:
      'Seconds from upload to result. Half of the jobs were faster than p50; one in twenty was slower than p95.',
    span: 'half',
    spec: (size) =>
      slotsSpec(points, size, 226, 'seconds', [
        {
          data: { values: medians },
          mark: { type: 'line' },
          encoding: { color: colour },
        },
        { ...dots(runs, { size: 42, opacity: 0.8 }), encoding: { color: colour, shape: colour } },
      ]),
  };
}

function speedUpChart({ points }: Scaling, machine: Machine): Chart {
  const [base] = points;
  const ideal = points.map(({ slots }) => ({ slots, value: slots / (base?.slots ?? 1) }));
  return {
    title: 'Speed-up',
    label: `Speed-up against ${count(base?.slots ?? 0, 'slot')}: ${sentence(points, ({ speedUp }) => times(speedUp))}.`,
    reading:
      'The dashed line is the ideal: twice as fast with twice the slots. The gap below it is the cost of sharing.',
    span: 'half',
    spec: (size) =>
      slotsSpec(points, size, 250, `times as fast as ${count(base?.slots ?? 0, 'slot')}`, [
        ...coresMark(points, machine),
        ...dashed(ideal, 'ideal'),
        ...dotsAndMedians(
          points,
          ({ measures }) => measures.throughput / (base?.throughput ?? Number.NaN),
          ({ speedUp }) => speedUp,
        ),
      ]),
  };
}

function efficiencyChart({ points }: Scaling, machine: Machine): Chart {
  const [base] = points;
  const perSlot = (base?.throughput ?? Number.NaN) / (base?.slots ?? 1);
  return {
    title: 'Efficiency',
    label: `Efficiency of each slot: ${sentence(points, ({ efficiency }) => percent(efficiency))}.`,
    reading:
      'Speed-up divided by how many times more slots there are. At 100 %, each slot is as fast as with the fewest slots.',
    span: 'half',
    spec: (size) =>
      slotsSpec(points, size, 250, '% of the ideal', [
        ...coresMark(points, machine),
        ...dashed(points.map(({ slots }) => ({ slots, value: 100 }))),
        ...dotsAndMedians(
          points,
          ({ measures }) => ((measures.throughput / (measures.slots ?? Number.NaN)) * 100) / perSlot,
          ({ efficiency }) => efficiency * 100,
        ),
      ]),
  };
}

/** The same numbers as a table. */
export function scalingRows(points: readonly ScalingPoint[]): { titles: string[]; rows: string[][] } {
  const titles = [
    'slots',
    'workers × slots',
    'runs',
    'jobs/s',
    'p50 s',
    'p95 s',
    'p99 s',
    'speed-up',
    'efficiency',
    'processing s',
    'busy',
  ];
  const rows = points.map(({ slots, setting, throughput, speedUp, efficiency }) => {
    const time = (name: 'p50' | 'p95' | 'p99') =>
      digits(medianOf(setting, ({ measures }) => measures.timeToResult?.[name]));
    return [
      String(slots),
      setting.layouts.join(', '),
      String(setting.runs.length),
      digits(throughput),
      time('p50'),
      time('p95'),
      time('p99'),
      times(speedUp),
      percent(efficiency),
      digits(medianOf(setting, ({ measures }) => measures.processing)),
      percent(medianOf(setting, ({ measures }) => measures.utilisation)),
    ];
  });
  return { titles, rows };
}
