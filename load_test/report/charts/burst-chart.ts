import { count, digits, whole } from '../format.ts';
import { slotsOf, typicalRun, type Setting } from '../group-runs.ts';
import { firstUpload, sampledSeries, waitingSeries } from '../series.ts';
import { median } from '../statistics.ts';
import { ink, timeAxis, type Chart, type Layer } from './chart.ts';

/** Depth with each burst marked, for the typical run of a setting of burst tests. */
export function burstChart(setting: Setting): Chart[] {
  const run = typicalRun(setting);
  if (run === undefined || run.result.bursts.length === 0 || run.result.jobs.length === 0) return [];
  const { jobs, bursts } = run.result;
  const start = firstUpload(run.result);
  const exact = waitingSeries(jobs, 400);
  const samples = sampledSeries(run.result, ({ queued }) => queued, 120);
  const times = run.measures.recoveries.flatMap((recovery) => recovery.seconds ?? []);
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
        // Numbers that would touch each other are left out.
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
            {
              data: { values: samples },
              mark: { type: 'point', filled: true, size: 20, color: ink.text, opacity: 0.6 },
            },
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
