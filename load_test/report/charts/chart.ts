import { compile, type Config, type TopLevelSpec } from 'vega-lite';
import { parse, View } from 'vega';

/** A chart. It is drawn in two sizes, because text that fits a desktop cannot be read on a phone. */
export interface Chart {
  readonly title: string;
  /** A description for screen readers. */
  readonly label: string;
  /** One sentence on how to read it. */
  readonly reading: string;
  /** Its width on wide pages. */
  readonly span: 'half' | 'full';
  readonly spec: (size: Size) => TopLevelSpec;
}

export interface Size {
  /** Width of the plot without axes, in pixels. */
  readonly width: number;
  readonly narrow: boolean;
}

interface DrawnChart extends Pick<Chart, 'title' | 'label' | 'reading' | 'span'> {
  /** SVG, for windows of at least 800 pixels. */
  readonly wide: string;
  /** SVG, for phones. */
  readonly narrow: string;
}

export type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

/** Colours are CSS variables, so that the page chooses them: light or dark. The colour-blind can distinguish them. */
export const ink = {
  text: 'var(--ink)',
  muted: 'var(--muted)',
  grid: 'var(--grid)',
  paper: 'var(--paper)',
  series: ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)'],
  first: 'var(--c1)',
  second: 'var(--c2)',
  third: 'var(--c3)',
} as const;

/** The x axis of a chart over time. */
export function timeAxis(narrow: boolean, field: 'seconds' | 'from' = 'seconds') {
  return {
    field,
    type: 'quantitative',
    title: 'seconds since the first upload',
    scale: { nice: false },
    axis: { tickCount: narrow ? 5 : 10 },
  } as const;
}

/** The x axis of one of several charts over time, one above the other; only the last one has labels. */
export function sharedTimeAxis(end: number, isLast: boolean, ...of: Parameters<typeof timeAxis>) {
  const shared = { ...timeAxis(...of), scale: { domain: [0, end], nice: false } };
  return isLast ? shared : { ...shared, title: null, axis: { ...shared.axis, labels: false, ticks: false } };
}

/** A dot for each value. */
export function dots(
  values: readonly object[],
  mark: { readonly size: number; readonly opacity: number; readonly color?: string },
): Layer {
  return { data: { values: [...values] }, mark: { type: 'point', filled: true, ...mark } };
}

/** The dots of single runs. */
export const ofRuns = { size: 48, color: ink.first, opacity: 0.75 } as const;

/** A dashed line for what would be ideal. */
export function idealLine(values: readonly object[]): Layer {
  return {
    data: { values: [...values] },
    mark: { type: 'line', color: ink.muted, strokeDash: [5, 5], strokeWidth: 1.5 },
  };
}

/** A dashed vertical line at a value of the x axis, with an optional name at its lower end. */
export function verticalMark(datum: Readonly<Record<string, number>>, name?: string): Layer[] {
  const data = { values: [datum] };
  const line: Layer = {
    data,
    mark: { type: 'rule', color: ink.second, strokeWidth: 1.5, strokeDash: [2, 3] },
    encoding: { y: { value: 0 }, y2: { value: 'height' } },
  };
  if (name === undefined) return [line];
  const text = { type: 'text', text: name, align: 'left', baseline: 'bottom', dx: 5, dy: -3 } as const;
  return [line, { data, mark: { ...text, color: ink.second }, encoding: { y: { value: 'height' } } }];
}

const AXIS_WIDTH = 52;
const WIDTHS = { half: 492, full: 1024, narrow: 326 } as const;

export async function drawChart({ title, label, reading, span, spec }: Chart): Promise<DrawnChart> {
  const draw = (width: number, narrow: boolean) => drawSvg(spec({ width: width - AXIS_WIDTH, narrow }));
  const [wide, narrow] = [await draw(WIDTHS[span], false), await draw(WIDTHS.narrow, true)];
  return { title, label, reading, span, wide, narrow };
}

async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec, { config }).spec), { renderer: 'none' });
  try {
    const svg = await view.toSVG();
    // The page sets the size.
    return svg.replace(/ width="[\d.]+" height="[\d.]+"/, '');
  } finally {
    view.finalize();
  }
}

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

const config: Config = {
  // The figure has a label of its own; labels of all elements would only make the file large.
  aria: false,
  background: 'transparent',
  padding: { left: 2, right: 12, top: 4, bottom: 2 },
  font,
  view: { stroke: null },
  axis: {
    labelColor: ink.muted,
    titleColor: ink.muted,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    gridColor: ink.grid,
    domainColor: ink.grid,
    tickColor: ink.grid,
    labelPadding: 5,
    titlePadding: 8,
  },
  axisX: { grid: false },
  // A horizontal title above the axis needs no width.
  axisY: {
    domain: false,
    ticks: false,
    minExtent: 36,
    titleAngle: 0,
    titleAlign: 'left',
    titleAnchor: 'end',
    titleBaseline: 'bottom',
    titleX: -40,
    titleY: -9,
    tickCount: 5,
  },
  legend: {
    orient: 'top',
    title: null,
    labelColor: ink.text,
    labelFontSize: 12,
    labelLimit: 200,
    symbolSize: 80,
    columnPadding: 16,
    // Above the title of the y axis.
    offset: 26,
  },
  line: { strokeWidth: 2.25, strokeCap: 'round', strokeJoin: 'round' },
  range: { category: [...ink.series] },
  text: { fontSize: 12, color: ink.text },
  title: { color: ink.text, fontSize: 12, fontWeight: 600, anchor: 'start', frame: 'group', offset: 6 },
};
