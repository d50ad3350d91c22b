import { depthOverTime, firstUpload } from '../../calculate.ts';
import type { JobRecord, LoadTestResult } from '../../result.ts';
import { count, list, percent, whole } from '../format.ts';
import { type Setting, type Test, typicalRun } from '../group-runs.ts';
import type { Run } from '../measure-run.ts';
import { type Chart, dots, ink, type Layer, sharedTimeAxis, timeAxis } from './chart.ts';

/** One curve per colour. */
const MAX_CURVES = ink.series.length;

/** Queue depth and utilization of the typical run of each setting. Burst tests have a depth chart of their own. */
export function timeCharts({ script, settings }: Pick<Test, 'script' | 'settings'>): Chart[] {
  const shown = settings.slice(0, MAX_CURVES).flatMap((setting) => {
    const run = typicalRun(setting);
    return run === undefined || run.result.jobs.length === 0 ? [] : [{ name: nameOf(setting), setting, run }];
  });
  if (shown.length === 0) return [];
  const omitted = settings.length - shown.length;
  const note =
    omitted > 0
      ? ` ${count(omitted, 'setting')} with more slots ${omitted === 1 ? 'is' : 'are'} not shown.`
      : '';
  const charts = [...(script === 'burst_test' ? [] : [depthChart(shown)]), ...utilisationChart(shown)];
  return charts.map((chart) => ({ ...chart, reading: chart.reading + note }));
}

interface Shown {
  readonly name: string;
  readonly setting: Setting;
  readonly run: Run;
}

function nameOf({ slots, layouts }: Setting): string {
  return slots === null ? layouts.join(', ') : count(slots, 'slot');
}

function depthChart(shown: readonly Shown[]): Chart {
  const exact = shown.flatMap(({ name, run }) =>
    waitingSeries(run.result.jobs).map((point) => ({ ...point, name })),
  );
  const samples = shown.flatMap(({ name, run }) =>
    sampledSeries(run.result, ({ queued }) => queued).map((point) => ({ ...point, name })),
  );
  const peaks = shown.map(({ name, run }) => {
    const peak = waitingSeries(run.result.jobs).reduce((most, { value }) => Math.max(most, value), 0);
    return `${whole(peak)} with ${name}`;
  });
  return {
    title: 'Jobs waiting',
    label: `Jobs waiting for a worker over time. Peak: ${list(peaks)}.`,
    reading: `The line comes from the timelines of all jobs, the dots from monitoring’s samples${shown.some(({ setting }) => setting.runs.length > 1) ? ' (median run of each setting)' : ''}. The steeper the line falls, the faster the workers.`,
    span: 'full',
    spec: ({ width, narrow }) => ({
      width,
      height: 240,
      encoding: {
        x: timeAxis(narrow),
        y: { field: 'value', type: 'quantitative', title: 'jobs' },
        color: {
          field: 'name',
          type: 'nominal',
          scale: { domain: shown.map(({ name }) => name) },
          legend:
            shown.length === 1
              ? null
              : { symbolType: 'stroke', symbolStrokeWidth: 3, columns: narrow ? 3 : 6 },
        },
      },
      layer: [
        { data: { values: exact }, mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.75 } },
        dots(samples, { size: 28, opacity: 0.8 }),
      ] satisfies Layer[],
    }),
  };
}

function utilisationChart(shown: readonly Shown[]): Chart[] {
  const known = shown.flatMap(({ name, run }) => {
    const { slots } = run;
    if (slots === null || slots === 0) return [];
    const exact = utilisationSeries(run.result.jobs, slots).map((point) => ({
      ...point,
      value: point.value * 100,
    }));
    const samples = sampledSeries(run.result, (sample) => Math.min(100, (sample.busy / slots) * 100), 40);
    return [{ name, exact, samples, mean: run.utilisation }];
  });
  if (known.length === 0) return [];
  const end = Math.max(...known.flatMap(({ exact }) => exact.map(({ seconds }) => seconds)));
  return [
    {
      title: 'Busy slots',
      label: `Share of busy slots over time. Mean: ${list(known.map(({ name, mean }) => `${percent(mean)} with ${name}`))}.`,
      reading:
        'At 100 % every slot is busy; below it, slots wait for jobs. The dots are monitoring’s samples.',
      span: 'full',
      spec: ({ width, narrow }) => ({
        bounds: 'flush',
        spacing: 36,
        vconcat: known.map(({ name, exact, samples, mean }, i) => ({
          width,
          height: 44,
          title: { text: `${name}: ${percent(mean)} busy` },
          encoding: {
            x: sharedTimeAxis(end, i === known.length - 1, narrow),
            y: {
              field: 'value',
              type: 'quantitative',
              title: null,
              scale: { domain: [0, 100] },
              axis: { values: [0, 50, 100], labelExpr: "datum.value + ' %'" },
            },
          },
          layer: [
            {
              data: { values: exact },
              mark: { type: 'area', interpolate: 'step-after', opacity: 0.35, color: ink.first },
            },
            dots(samples, { size: 16, color: ink.text, opacity: 0.55 }),
          ] satisfies Layer[],
        })),
      }),
    },
  ];
}

/* Series have a limited number of points: 5,000 jobs would make 15,000, but a chart is 1,000 pixels wide. */

/** A value from this moment on, in seconds since the first upload. */
interface SeriesPoint {
  readonly seconds: number;
  readonly value: number;
}

/** Jobs waiting for a worker. With more changes than `most`, each point is the peak of an interval. */
export function waitingSeries(jobs: readonly JobRecord[], most = 240): SeriesPoint[] {
  const depths = depthOverTime(jobs);
  const [start, end] = [depths[0]?.at ?? 0, depths.at(-1)?.at ?? 0];
  const exact = depths.map(({ at, waiting }) => ({ seconds: (at - start) / 1_000, value: waiting }));
  if (exact.length <= most) return exact;
  const width = (end - start) / 1_000 / most;
  const peaks: SeriesPoint[] = [];
  let [next, before] = [0, 0];
  for (let i = 0; i < most; i++) {
    let peak = before;
    for (
      let point = exact[next];
      point !== undefined && point.seconds < (i + 1) * width;
      point = exact[++next]
    ) {
      peak = Math.max(peak, point.value);
      before = point.value;
    }
    peaks.push({ seconds: i * width, value: peak });
  }
  return [...peaks, { seconds: most * width, value: exact.at(-1)?.value ?? 0 }];
}

/** Share (0 to 1) of busy slots: the mean of each of `parts` equal intervals, and the value at the end. */
export function utilisationSeries(jobs: readonly JobRecord[], slots: number, parts = 60): SeriesPoint[] {
  const depths = depthOverTime(jobs);
  const [start, end] = [depths[0]?.at ?? 0, depths.at(-1)?.at ?? 0];
  const width = (end - start) / parts;
  if (!(width > 0)) return [];
  const busy = Array.from({ length: parts }, () => 0);
  for (const [i, { at, processing }] of depths.entries()) {
    const until = depths[i + 1]?.at ?? end;
    for (let part = Math.floor((at - start) / width); part < parts && start + part * width < until; part++) {
      const overlap = Math.min(until, start + (part + 1) * width) - Math.max(at, start + part * width);
      busy[part] = (busy[part] ?? 0) + Math.max(0, overlap) * processing;
    }
  }
  const shares = busy.map((area) => Math.min(1, area / width / slots));
  return [...shares, shares.at(-1) ?? 0].map((value, part) => ({ seconds: (part * width) / 1_000, value }));
}

/** Samples of monitoring between first upload and last result, at most `most`. */
export function sampledSeries(
  result: LoadTestResult,
  value: (sample: LoadTestResult['samples'][number]) => number,
  most = 60,
): SeriesPoint[] {
  const start = firstUpload(result.jobs);
  const end = result.jobs.reduce((last, { ended_at }) => Math.max(last, Date.parse(ended_at ?? '') || 0), 0);
  const inside = result.samples.filter(({ at }) => Date.parse(at) >= start && Date.parse(at) <= end);
  const step = Math.max(1, Math.ceil(inside.length / most));
  return inside
    .filter((_, i) => i % step === 0)
    .map((sample) => ({ seconds: (Date.parse(sample.at) - start) / 1_000, value: value(sample) }));
}
