import type { Paint } from './view.ts';

/** `3.2 s`, `0.045 s`, `12 min`; a dash if unknown. Short enough for a column of 7. */
export function secondsText(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '-';
  if (seconds < 0.1) return `${seconds.toFixed(3)} s`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 600) return `${seconds.toFixed(0)} s`;
  if (seconds < 36_000) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h`;
}

/** Per second: `0.05`, `4.8`, `120`; a dash if unknown. */
export function rateText(perSecond: number | null): string {
  if (perSecond === null) return '-';
  if (perSecond === 0) return '0';
  if (perSecond < 1) return perSecond.toFixed(2);
  return perSecond < 100 ? perSecond.toFixed(1) : perSecond.toFixed(0);
}

/** `98 %`; a dash if unknown. */
export function shareText(share: number | null): string {
  return share === null ? '-' : `${Math.round(share * 100)} %`;
}

/** In groups of three digits: `1 234 567`. */
export function countText(count: number | null): string {
  return count === null ? '-' : String(count).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}

/** The same for narrow columns: `12 345`, `1235k`, `1.2M`. */
export function shortCountText(count: number | null): string {
  if (count === null || count < 100_000) return countText(count);
  return count < 10_000_000 ? `${Math.round(count / 1_000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

const STEPS = '▁▂▃▄▅▆▇█';
const GAP = ' ';

/**
 * A bar for each of the newest values that fit, scaled from 0 to the highest; a gap for an unknown value.
 * @param rows lines of the chart
 */
export function chart(values: readonly (number | undefined)[], width: number, rows: number): string[] {
  const shown = values.slice(-width);
  const top = Math.max(...shown.filter((value) => value !== undefined), Number.MIN_VALUE);
  const heights = shown.map((value) => value && barHeight(value / top, rows));
  return Array.from({ length: rows }, (_, row) =>
    heights.map((height) => cell(height, (rows - 1 - row) * STEPS.length)).join(''),
  );
}

/** In steps. Only 0 gets the lowest one, so that one waiting job is visible beside a thousand. */
function barHeight(part: number, rows: number): number {
  return part <= 0 ? 0 : Math.max(1, Math.round(part * (STEPS.length * rows - 1)));
}

/** @param below steps in the rows below */
function cell(height: number | undefined, below: number): string {
  if (height === undefined || height < below) return GAP;
  return STEPS[Math.min(height - below, STEPS.length - 1)] ?? GAP;
}

/** `██████░░░░` */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Cut to the width, with an ellipsis; padded to it. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** The same, cut at its beginning: names of queues and workers differ at their ends. */
export function fitEnd(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `…${text.slice(text.length - width + 1)}`;
}

/** The first text that fits the width; otherwise the last one, cut. */
export function firstThatFits(texts: readonly string[], width: number): string {
  return texts.find((text) => text.length <= width) ?? fit(texts.at(-1) ?? '', width);
}

/** Wraps a text between words, but not between a number and its unit; splits words that are too long. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<!\d) /)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  return [...lines, line];
}

/** Width of the label, in characters. Further lines of the text are indented by it. */
export const LABEL_WIDTH = 10;

/** A bold label with a wrapped text beside it. @param tint colours a line of the text */
export function labelledLines(
  label: string,
  text: string,
  width: number,
  paint: Paint,
  tint: (line: string) => string = (line) => line,
): string[] {
  return wrap(text, Math.max(1, width - LABEL_WIDTH)).map((line, i) => {
    const margin = ' '.repeat(LABEL_WIDTH - (i === 0 ? label.length : 0));
    return `${i === 0 ? paint('bold', label) : ''}${margin}${tint(line)}`;
  });
}
