import type { Health } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Poll } from './history.ts';
import { firstThatFits, secondsText, wrap } from './text.ts';
import { workerLines } from './worker-lines.ts';

/** The input of a view. */
export interface ViewState {
  /** Address of the monitoring service. */
  readonly url: string;
  readonly health: Health;
  /** The newest snapshot. */
  readonly snapshot: Snapshot;
  /** One entry per poll, oldest first, including the newest. */
  readonly history: readonly Poll[];
  /** Why the newest poll failed, and the age of the snapshot by now; undefined if it succeeded. */
  readonly outage?: { readonly reason: string; readonly ageSeconds: number } | undefined;
}

/** Size of the terminal, in characters and lines. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Colours a text, without a change of its visible width; returns it unchanged if colours are off. */
export type Paint = (style: Style, text: string) => string;

/** A live view, as pure functions of the state. */
export interface View {
  readonly name: string;
  readonly description: string;
  readonly title: string;
  /** The lines above and below the workers, none longer than `width`, with a chart of `chartRows` lines. */
  readonly body: (
    seen: ViewState,
    width: number,
    paint: Paint,
    chartRows: number,
  ) => { readonly above: readonly string[]; readonly below: readonly string[] };
  /** A summary in one line, for logs. */
  readonly line: (snapshot: Snapshot) => string;
}

/** On high terminals. */
const HIGHEST_CHART = 8;

/** Lines for the workers below which empty lines are dropped: the sum and a few workers. */
const WORKERS_WANTED = 4;
/** Lines for the workers below which lines above them are hidden: the sum and the names of all. */
const WORKERS_NEEDED = 2;
/** Lines above the workers that are not hidden for them: without these, the end of the screen is cut. */
const ABOVE_NEEDED = 3;

const plain: Paint = (_style, text) => text;

/**
 * The screen, within its width and height. If there is room, the chart gets more lines. If the height is too small, the list
 * of workers is shortened; then empty lines are dropped; then lines above the workers are hidden, and their number is shown.
 */
export function drawView(view: View, seen: ViewState, { width, height }: Size, paint: Paint): string[] {
  const { snapshot } = seen;
  const isOutdated = seen.outage !== undefined;
  const head = heading(view.title, seen, width, paint);
  const bodyWith = (chartRows: number) => view.body(seen, width, isOutdated ? plain : paint, chartRows);
  const low = bodyWith(1);
  const used = head.length + low.above.length + low.below.length + snapshot.workers.length + 3;
  const spare = Number.isFinite(height) ? Math.max(0, height - used) : 0;
  const { above, below } = bodyWith(Math.min(HIGHEST_CHART, 1 + spare));
  const wanted = Math.min(WORKERS_WANTED, snapshot.workers.length + 1);
  const isLow = head.length + above.length + below.length + 2 + wanted > height;
  const after = isLow ? below : ['', ...below];
  const whole = isLow ? above.filter(isText) : [...above, ''];
  const left = height - head.length - after.length - Math.min(WORKERS_NEEDED, snapshot.workers.length + 1);
  const before = left < ABOVE_NEEDED ? whole : shorten(whole, left, paint);
  const room = height - head.length - before.length - after.length;
  const body = [...before, ...workerLines(snapshot, width, room, isOutdated ? plain : paint), ...after];
  // Outdated metrics are dimmed, so that they do not look live.
  return shorten([...head, ...(isOutdated ? body.map((line) => paint('dim', line)) : body)], height, paint);
}

/** If there are more lines than `height`, the last one is their number. */
function shorten(lines: readonly string[], height: number, paint: Paint): string[] {
  if (lines.length <= height) return [...lines];
  const shown = lines.slice(0, Math.max(0, height - 1));
  return [...shown, paint('yellow', `… ${lines.length - shown.length} lines hidden`)];
}

const isText = (line: string) => line !== '';

/** Title, address, age and problems. */
export function heading(title: string, seen: ViewState, width: number, paint: Paint): string[] {
  const { url, health, snapshot } = seen;
  const time = new Date(snapshot.updated_at).toLocaleTimeString('en-GB');
  const word = statusWords(snapshot, health)[0] ?? 'ok';
  const room = width - word.length - 1;
  const about = firstThatFits(
    [
      `${title}  ${url}  ${time}, refreshed every ${snapshot.interval_seconds} s`,
      `${title}  ${url}  ${time}`,
      `${title}  ${time}`,
    ],
    room,
  );
  const colour = word === 'ok' ? 'green' : word === 'stale' ? 'yellow' : 'red';
  return [
    `${paint('bold', about.padEnd(room))} ${paint(colour, word)}`,
    paint('dim', '─'.repeat(width)),
    ...problemsOf(seen)
      .flatMap((problem) => wrap(problem, width))
      .map((line) => paint('red', line)),
  ];
}

function problemsOf({ snapshot, outage }: ViewState): string[] {
  const { interval_seconds, age_seconds, sources, alarms } = snapshot;
  const { management, events } = sources;
  const problems: string[] = [];
  if (outage !== undefined) {
    problems.push(`These metrics are ${secondsText(outage.ageSeconds)} old. ${outage.reason}`);
  } else if (age_seconds > interval_seconds * 3) {
    problems.push(`the snapshot is ${secondsText(age_seconds)} old`);
  }
  if (management.state !== 'ok') {
    const age = management.age_seconds;
    const data = age === null ? 'no data yet' : `its metrics are ${secondsText(age)} old`;
    problems.push(`RabbitMQ’s management API is unavailable; ${data}`);
  }
  if (events.state !== 'ok') {
    const reason = events.reason ?? 'the event log is not being followed';
    problems.push(`${reason}; jobs and latencies are out of date`);
  }
  for (const alarm of alarms) problems.push(`ALARM: ${alarm}; publishing is blocked`);
  return problems;
}

export type StatusWord = 'error' | 'ALARM' | 'no workers' | 'stale';

/** The problems, the most serious first. */
function statusWords(snapshot: Snapshot, { status }: Health): StatusWord[] {
  const found: StatusWord[] = [];
  if (status === 'error') found.push('error');
  if (snapshot.alarms.length > 0) found.push('ALARM');
  if (hasNoWorkers(snapshot)) found.push('no workers');
  if (status === 'stale') found.push('stale');
  return found;
}

/** The problems for logs: ` alarm=memory no_workers`; empty if there are none. */
export function statusText(snapshot: Snapshot, health: Health): string {
  const resources = new Set(snapshot.alarms.map((alarm) => alarm.split(' ')[0]));
  const texts = {
    error: 'error',
    ALARM: `alarm=${[...resources].join()}`,
    'no workers': 'no_workers',
    stale: 'stale',
  };
  return statusWords(snapshot, health)
    .map((word) => ` ${texts[word]}`)
    .join('');
}

function hasNoWorkers({ workers, sources }: Snapshot): boolean {
  return sources.management.state !== 'never' && workers.every(({ live }) => !live);
}
