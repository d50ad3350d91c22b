import { styleText } from 'node:util';
import type { Job } from '../pipeline/api-client.ts';
import { table } from '../terminal/table.ts';
import { wrap } from '../terminal/wrap.ts';
import type { Expectation } from './manifest.ts';
import type { Seen } from './push-image.ts';

const columns = [
  { title: 'FILE' },
  { title: 'STATE' },
  { title: 'BEFORE' },
  { title: 'AFTER' },
  { title: 'TIME', align: 'right' },
] as const;
const JOB_COLUMN = { title: 'JOB' } as const;
/** A job id has 36 characters, and the gap two. */
const WIDTH_WITH_JOB = 118;
const INDENT = '  ';

/**
 * The results as lines of a table, with a line below for each image that was refused or failed. The job id has a column
 * of its own if the terminal is wide enough, or else a line below.
 * @param width of the terminal, in characters
 */
export function resultLines(results: readonly (readonly [Expectation, Seen])[], width: number): string[] {
  const wide = width >= WIDTH_WITH_JOB;
  const rows = results.map(([{ file }, seen]) => [...cells(file, seen), ...(wide ? [jobIdOf(seen)] : [])]);
  const [titles = '', ...lines] = table(wide ? [...columns, JOB_COLUMN] : columns, rows);
  return [
    titles,
    ...results.flatMap(([, seen], i) => [
      coloured(lines[i] ?? '', seen),
      ...notes(seen, wide)
        .flatMap((note) => wrap(note, width - INDENT.length))
        .map((line) => styleText('dim', `${INDENT}${line}`)),
    ]),
  ];
}

function cells(file: string, seen: Seen): string[] {
  if (seen.upload === 'refused') return [file, 'refused', '', `HTTP ${seen.status}`, ''];
  const { status, original, source, result } = seen.job;
  const before = source === undefined ? bytes(original.size) : image({ ...source, size: original.size });
  return [file, status, before, result === undefined ? '' : image(result), seconds(seen.job)];
}

function notes(seen: Seen, wide: boolean): string[] {
  if (seen.upload === 'refused') return [`${seen.code}: ${seen.detail}`];
  const { job_id, error } = seen.job;
  return [
    ...(wide ? [] : [`job ${job_id}`]),
    ...(error === undefined ? [] : [`${error.code}: ${error.reason}`]),
  ];
}

const jobIdOf = (seen: Seen) => (seen.upload === 'accepted' ? seen.job.job_id : '');

function coloured(line: string, seen: Seen): string {
  const state = seen.upload === 'refused' ? 'refused' : seen.job.status;
  const colour = state === 'completed' ? 'green' : state === 'failed' ? 'red' : 'yellow';
  return line.replace(` ${state} `, () => ` ${styleText(colour, state)} `);
}

function image({ width, height, size }: { width: number; height: number; size: number }): string {
  return `${width}×${height} ${bytes(size)}`;
}

/** Powers of 1000, three digits at most. */
function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  const [value, unit] = count < 999_500 ? [count / 1_000, 'kB'] : [count / 1_000_000, 'MB'];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

function seconds({ submitted_at, updated_at }: Job): string {
  return `${((Date.parse(updated_at) - Date.parse(submitted_at)) / 1_000).toFixed(2)} s`;
}
