const STEPS = '▁▂▃▄▅▆▇█';
const GAP = ' ';

/** The newest values, as many as fit, from 0 to the highest of them; a gap for one that is not known. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const shown = values.slice(-width);
  const top = Math.max(...shown.filter((value) => value !== undefined), Number.MIN_VALUE);
  return shown.map((value) => (value === undefined ? GAP : STEPS[stepOf(value / top)])).join('');
}

/** Only nothing is the lowest step, so that one waiting job is seen beside a thousand. */
function stepOf(part: number): number {
  return part <= 0 ? 0 : Math.max(1, Math.round(part * (STEPS.length - 1)));
}

/** `██████░░░░` */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
