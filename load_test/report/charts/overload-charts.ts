import { firstUpload, SUSTAINED_SHARE } from '../../calculate.ts';
import { count, digits, percent, plain, seconds, whole } from '../format.ts';
import { type Setting, slotsOf, typicalRun } from '../group-runs.ts';
import { median } from '../statistics.ts';
import {
  type Chart,
  dots,
  idealLine,
  ink,
  type Layer,
  ofRuns,
  type Size,
  timeAxis,
  verticalMark,
} from './chart.ts';
import { sampledSeries, waitingSeries } from './time-charts.ts';

/** Depth with each burst marked, for the typical run of a setting of burst tests. */
export function burstChart(setting: Setting): Chart[] {
  const run = typicalRun(setting);
  if (run === undefined || run.result.bursts.length === 0 || run.result.jobs.length === 0) return [];
  const { jobs, bursts } = run.result;
  const start = firstUpload(jobs);
  const exact = waitingSeries(jobs, 400);
  const samples = sampledSeries(run.result, ({ queued }) => queued, 120);
  const times = run.recoveries.flatMap((recovery) => recovery.seconds ?? []);
  const peak = Math.max(1, ...exact.map(({ value }) => value));
  const marks = bursts.map(({ number, at }) => ({
    seconds: Math.max(0, (Date.parse(at) - start) / 1_000),
    name: String(number),
  }));
  return [
    {
      title: `Jobs waiting, with each burst: ${slotsOf(setting)}`,
      label: `Jobs waiting over time with ${count(bursts.length, 'burst')} marked. Peak: ${whole(peak)}. ${times.length} of ${bursts.length} recovered; the median recovery time is ${digits(median(times))} seconds.`,
      reading:
        'Each numbered line marks a burst. The system keeps up if the queue is back at its level before the next line.',
      span: 'full',
      spec: ({ width, narrow }) => {
        // Omits numbers that would overlap.
        const end = exact.at(-1)?.seconds ?? 0;
        const pixels = ((marks.at(-1)?.seconds ?? 0) / end / bursts.length) * width;
        const step = pixels > 0 ? Math.ceil(24 / pixels) : 1;
        return {
          width,
          height: 260,
          encoding: {
            x: timeAxis(narrow),
            y: { field: 'value', type: 'quantitative', title: 'jobs' },
          },
          layer: [
            {
              data: { values: marks },
              mark: { type: 'rule', color: ink.second, strokeWidth: 1.5, strokeDash: [3, 3] },
              encoding: { y: { value: 0 }, y2: { value: 'height' } },
            },
            {
              data: { values: exact },
              mark: {
                type: 'area',
                interpolate: 'step-after',
                color: ink.first,
                opacity: 0.3,
                line: { color: ink.first, strokeWidth: 1.5 },
              },
            },
            dots(samples, { size: 20, color: ink.text, opacity: 0.6 }),
            {
              data: { values: marks.filter((_, i) => i % step === 0) },
              mark: { type: 'text', color: ink.second, fontWeight: 600, baseline: 'bottom', dy: -4, dx: 0 },
              encoding: { y: { value: 0 }, text: { field: 'name' } },
            },
          ] satisfies Layer[],
        };
      },
    },
  ];
}

/** Throughput, p95 and dropped uploads by target rate, with the knee. */
export function capacityChart(setting: Setting): Chart[] {
  const curve = capacityCurve(setting);
  const { steps, medians, knee, maxRate, anyDropped } = curve;
  if (steps.length === 0) return [];
  const p95AtKnee = seconds(medians.find(({ rate }) => rate === knee)?.p95 ?? null);
  return [
    {
      title: `Capacity: ${slotsOf(setting)}`,
      label:
        `Results per second by target rate, up to ${plain(maxRate)} uploads per second. ` +
        (knee === undefined
          ? 'No knee was found.'
          : `The knee is at ${plain(knee)}; the 95th percentile of the time to result there is ${p95AtKnee}.`),
      reading: `Up to the knee, results keep up with uploads (the dashed line) and p95 stays low. Beyond it, results fall behind and p95 grows.${anyDropped ? '' : ' k6 dropped no upload.'}`,
      span: 'full',
      // Aligns the plots by their frames, not by their labels.
      spec: (size) => ({ bounds: 'flush', spacing: 52, vconcat: capacityPlots(curve, size) }),
    },
  ];
}

type CapacityCurve = ReturnType<typeof capacityCurve>;

/** The steps of all runs, their medians by target rate, and the median knee of the runs that were saturated. */
function capacityCurve({ runs }: Setting) {
  const steps = runs.flatMap((run) =>
    run.steps.map(({ rate, throughput, times, dropped, seconds: length }) => ({
      rate,
      throughput,
      p95: times?.p95 ?? null,
      dropped: dropped / length,
    })),
  );
  const rates = [...new Set(steps.map(({ rate }) => rate))].sort((one, other) => one - other);
  const medianAt = (rate: number, value: (step: (typeof steps)[number]) => number | null) =>
    median(steps.flatMap((step) => (step.rate === rate ? (value(step) ?? []) : [])));
  const medians = rates.map((rate) => ({
    rate,
    throughput: medianAt(rate, ({ throughput }) => throughput),
    p95: medianAt(rate, ({ p95 }) => p95),
    dropped: medianAt(rate, ({ dropped }) => dropped),
  }));
  const saturated = runs.filter((run) => run.steps.some(({ sustained }) => !sustained));
  const knees = saturated.flatMap((run) => run.knee?.rate ?? []);
  const knee = knees.length > 0 ? median(knees) : undefined;
  const anyDropped = steps.some(({ dropped }) => dropped > 0);
  return { steps, rates, maxRate: rates.at(-1) ?? 1, medians, knee, anyDropped };
}

/** Throughput, p95 and, if there are any, dropped uploads, one above the other. */
function capacityPlots({ steps, rates, maxRate, medians, knee, anyDropped }: CapacityCurve, size: Size) {
  const { width, narrow } = size;
  const lines: Layer[] = [
    { data: { values: medians }, mark: { type: 'line', color: ink.first } },
    dots(steps, ofRuns),
  ];
  const bars: Layer = { data: { values: medians }, mark: { type: 'bar', color: ink.third, size: 18 } };
  const ideal = idealLine([0, maxRate].map((rate) => ({ rate, throughput: rate })));
  const kneeMark = (name?: string) => (knee === undefined ? [] : verticalMark({ rate: knee }, name));
  const plots = [
    {
      width,
      height: 180,
      encoding: rateAxes(rates, 'throughput', 'results/s', { isLast: false, narrow }),
      layer: [...kneeMark(`knee: ${plain(knee ?? 0)}/s`), ideal, ...lines],
    },
    {
      width,
      height: 180,
      encoding: rateAxes(rates, 'p95', 'p95 of time to result, seconds', { isLast: !anyDropped, narrow }),
      layer: [...kneeMark(), ...lines],
    },
    {
      width,
      height: 70,
      encoding: rateAxes(rates, 'dropped', 'uploads dropped by k6, per second', { isLast: true, narrow }),
      layer: [...kneeMark(), bars],
    },
  ];
  return anyDropped ? plots : plots.slice(0, 2);
}

/** The axes of one of several plots by target rate, one above the other; only the last one has labels on the x axis. */
function rateAxes(
  rates: readonly number[],
  field: 'throughput' | 'p95' | 'dropped',
  title: string,
  { isLast, narrow }: { readonly isLast: boolean; readonly narrow: boolean },
) {
  const domain = [0, (rates.at(-1) ?? 1) * 1.04];
  const values = [...rates];
  return {
    x: {
      field: 'rate',
      type: 'quantitative',
      title: isLast ? 'target, uploads/s' : null,
      scale: { domain, nice: false, padding: 0 },
      axis: {
        values,
        labels: isLast,
        ticks: isLast,
        format: '~r',
        labelOverlap: narrow ? 'greedy' : true,
      },
    },
    y: { field, type: 'quantitative', title, axis: { tickCount: field === 'dropped' ? 2 : 5 } },
  } as const;
}

/** The steps of all runs as a table. */
export function stepRows({ runs }: Setting): { titles: string[]; rows: string[][] } {
  const titles = ['run', 'step', 'target/s', 'results/s', 'p50 s', 'p95 s', 'dropped', 'sustained'];
  const rows = runs.flatMap((run, i) =>
    run.steps.map(({ number, rate, throughput, times, dropped, sustained }) => [
      String(i + 1),
      String(number),
      plain(rate),
      throughput.toFixed(2),
      times === null ? '–' : times.p50.toFixed(2),
      times === null ? '–' : times.p95.toFixed(2),
      String(dropped),
      sustained ? 'yes' : 'no',
    ]),
  );
  return { titles, rows };
}

export const sustainedMeans = `A step is sustained if k6 dropped no upload and results came at ${percent(SUSTAINED_SHARE)} of the target rate or more.`;
