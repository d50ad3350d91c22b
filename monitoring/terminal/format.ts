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

/** The newest values that fit, scaled from 0 to the highest; a gap for an unknown value. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const shown = values.slice(-width);
  const top = Math.max(...shown.filter((value) => value !== undefined), Number.MIN_VALUE);
  return shown.map((value) => (value === undefined ? GAP : STEPS[stepOf(value / top)])).join('');
}

/** Only 0 gets the lowest step, so that one waiting job is visible beside a thousand. */
function stepOf(part: number): number {
  return part <= 0 ? 0 : Math.max(1, Math.round(part * (STEPS.length - 1)));
}

/** `██████░░░░` */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
