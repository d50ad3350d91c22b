/* Numbers as people read them. A reader compares numbers of one column, so units do not change with the size. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** About three digits: `0.42`, `7.61`, `15.4`, `1,250`; `–` where the value is not known. */
export function digits(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 99.95) return grouped.format(value);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** A number that somebody chose, such as a rate or an interval: `6`, `0.5`. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(3)));
}

export function whole(value: number): string {
  return grouped.format(value);
}

export function seconds(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '–' : `${digits(value)} s`;
}

export function perSecond(value: number): string {
  return `${digits(value)} jobs/s`;
}

/** `1.93×`, `12.4×` */
export function times(ratio: number): string {
  return `${digits(ratio)}×`;
}

export function percent(share: number | null): string {
  return share === null || !Number.isFinite(share) ? '–' : `${(share * 100).toFixed(0)} %`;
}

/** `1 job`, `3 jobs`; the plural takes an s unless it is given. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${whole(value)} ${value === 1 ? noun : plural}`;
}

/** `a`, `a and b`, `a, b and c` */
export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** Moments are in UTC, so that a report reads the same everywhere: `2026-11-29 04:14`. */
export function moment(iso: string): string {
  return new Date(iso).toISOString().slice(0, 16).replace('T', ' ');
}

/**
 * Text of a result file without control characters: a file name or an error code must not move the cursor or
 * colour the terminal.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
