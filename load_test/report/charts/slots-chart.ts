import type { TopLevelSpec } from 'vega-lite';
import { count, list } from '../format.ts';
import type { Machine } from '../group-runs.ts';
import type { Run } from '../measure-run.ts';
import type { ScalingPoint } from '../scaling.ts';
import { ink, verticalMark, type Layer, type Size } from './chart.ts';

/* Parts of the charts that have the number of slots as their x axis. */

/** One dot per run, and a line through the medians. */
export function dotsAndMedians(
  points: readonly ScalingPoint[],
  ofRun: (run: Run) => number,
  ofPoint: (point: ScalingPoint) => number,
): Layer[] {
  const dots = points.flatMap(({ slots, setting }) =>
    setting.runs.map((run) => ({ slots, value: ofRun(run) })),
  );
  return [
    {
      data: { values: points.map((point) => ({ slots: point.slots, value: ofPoint(point) })) },
      mark: { type: 'line', color: ink.first },
    },
    {
      data: { values: dots },
      mark: { type: 'point', filled: true, size: 48, color: ink.first, opacity: 0.75 },
    },
  ];
}

/** A dashed line, with its name at the end. */
export function dashed(values: readonly { slots: number; value: number }[], name?: string): Layer[] {
  const [end] = values.slice(-1);
  if (end === undefined) return [];
  return [
    {
      data: { values: [...values] },
      mark: { type: 'line', color: ink.muted, strokeDash: [5, 5], strokeWidth: 1.5 },
    },
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

/** Where the machine's cores end, if that lies within the plot. */
export function coresMark(points: readonly ScalingPoint[], { cores }: Machine): Layer[] {
  const most = Math.max(...points.map(({ slots }) => slots));
  if (cores === null || cores > most) return [];
  return verticalMark({ slots: cores }, count(cores, 'core'));
}

/** All layers share the axis of slots, which names the numbers that were tested, and the axis of their `value`. */
export function slotsSpec(
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
export function sentence(points: readonly ScalingPoint[], value: (point: ScalingPoint) => string): string {
  return list(points.map((point) => `${value(point)} with ${count(point.slots, 'slot')}`));
}
