import { count, list, percent, whole } from '../format.ts';
import { typicalRun, type Setting, type Test } from '../group-runs.ts';
import type { Run } from '../measure-run.ts';
import { sampledSeries, utilisationSeries, waitingSeries } from '../series.ts';
import { ink, timeAxis, type Chart, type Layer } from './chart.ts';

/** More curves than colours cannot be distinguished. */
const MOST_CURVES = ink.series.length;

/** Depth and utilisation of the typical run of each setting. Bursts have a chart of their own for the depth. */
export function timeCharts({ script, settings }: Pick<Test, 'script' | 'settings'>): Chart[] {
  const shown = settings.slice(0, MOST_CURVES).flatMap((setting) => {
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
        { data: { values: samples }, mark: { type: 'point', filled: true, size: 28, opacity: 0.8 } },
      ] satisfies Layer[],
    }),
  };
}

function utilisationChart(shown: readonly Shown[]): Chart[] {
  const known = shown.flatMap(({ name, run }) => {
    const { slots } = run.measures;
    if (slots === null || slots === 0) return [];
    const exact = utilisationSeries(run.result.jobs, slots).map((point) => ({
      ...point,
      value: point.value * 100,
    }));
    const samples = sampledSeries(run.result, (sample) => Math.min(100, (sample.busy / slots) * 100), 40);
    return [{ name, exact, samples, mean: run.measures.utilisation }];
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
            x: {
              field: 'seconds',
              type: 'quantitative',
              title: i === known.length - 1 ? 'seconds since the first upload' : null,
              scale: { domain: [0, end], nice: false },
              axis: i === known.length - 1 ? { tickCount: narrow ? 5 : 10 } : { labels: false, ticks: false },
            },
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
            {
              data: { values: samples },
              mark: { type: 'point', filled: true, size: 16, color: ink.text, opacity: 0.55 },
            },
          ] satisfies Layer[],
        })),
      }),
    },
  ];
}
