import type { Paint, ViewState, Size, View } from './view.ts';
import { workerLines } from './worker-lines.ts';
import { secondsText } from './format.ts';
import { firstThatFits, wrap } from './layout.ts';
import { troublesOf } from './troubles.ts';

/** Lines for the workers below which empty lines are dropped: the sum and a few workers. */
const WORKERS_WANTED = 4;

const plain: Paint = (_style, text) => text;

/**
 * The screen, within its width and height. If the height is too small, the list of workers is shortened; then empty lines
 * are dropped; then the last line gives the number of hidden lines.
 */
export function drawView(view: View, seen: ViewState, { width, height }: Size, paint: Paint): string[] {
  const isOutdated = seen.away !== undefined;
  const head = heading(view.title, seen, width, paint);
  const { above, below } = view.body(seen, width, isOutdated ? plain : paint);
  const wanted = Math.min(WORKERS_WANTED, seen.snapshot.workers.length + 1);
  const isLow = head.length + above.length + below.length + 2 + wanted > height;
  const before = isLow ? above.filter(isText) : [...above, ''];
  const after = isLow ? below : ['', ...below];
  const room = height - head.length - before.length - after.length;
  const body = [...before, ...workerLines(seen.snapshot, width, room, isOutdated ? plain : paint), ...after];
  // Outdated metrics are dimmed, so that they do not look live.
  const lines = [...head, ...(isOutdated ? body.map((line) => paint('dim', line)) : body)];
  if (lines.length <= height) return lines;
  const shown = lines.slice(0, Math.max(0, height - 1));
  return [...shown, paint('yellow', `… ${lines.length - shown.length} lines hidden`)];
}

const isText = (line: string) => line !== '';

/** Title, address, age and problems. */
export function heading(title: string, seen: ViewState, width: number, paint: Paint): string[] {
  const { url, health, snapshot } = seen;
  const time = new Date(snapshot.updated_at).toLocaleTimeString('en-GB');
  const word = troublesOf(snapshot, health)[0] ?? 'ok';
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

function problemsOf({ snapshot, away }: ViewState): string[] {
  const { interval_seconds, age_seconds, sources, alarms } = snapshot;
  const { management, events } = sources;
  const problems: string[] = [];
  if (away !== undefined) {
    problems.push(`These metrics are ${secondsText(away.ageSeconds)} old. ${away.reason}`);
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
