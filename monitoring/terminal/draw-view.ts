import type { Paint, Seen, Size, View } from './view.ts';
import { workerLines } from './worker-lines.ts';
import { secondsText } from './format.ts';
import { firstThatFits, wrap } from './layout.ts';
import { troublesOf } from './troubles.ts';

/** The sum of the workers and a few of them, in lines: for less than that no line is left empty. */
const WORKERS_WANTED = 4;

const plain: Paint = (_style, text) => text;

/**
 * The screen: no line longer than its width, no more lines than its height. Where it is too low the list of workers is
 * shortened; then empty lines go; then the last line says how many are hidden.
 */
export function drawView(view: View, seen: Seen, { width, height }: Size, paint: Paint): string[] {
  const isAway = seen.away !== undefined;
  const head = heading(view.title, seen, width, paint);
  const { above, below } = view.body(seen, width, isAway ? plain : paint);
  const wanted = Math.min(WORKERS_WANTED, seen.snapshot.workers.length + 1);
  const isLow = head.length + above.length + below.length + 2 + wanted > height;
  const before = isLow ? above.filter(isText) : [...above, ''];
  const after = isLow ? below : ['', ...below];
  const room = height - head.length - before.length - after.length;
  const body = [...before, ...workerLines(seen.snapshot, width, room, isAway ? plain : paint), ...after];
  // Old figures have no colours of their own, so that they do not look live.
  const lines = [...head, ...(isAway ? body.map((line) => paint('dim', line)) : body)];
  if (lines.length <= height) return lines;
  const shown = lines.slice(0, Math.max(0, height - 1));
  return [...shown, paint('yellow', `… ${lines.length - shown.length} lines hidden`)];
}

const isText = (line: string) => line !== '';

/** What is shown, from where, how old, and what is wrong. */
export function heading(title: string, seen: Seen, width: number, paint: Paint): string[] {
  const { url, health, snapshot } = seen;
  const time = new Date(snapshot.updated_at).toLocaleTimeString('en-GB');
  const word = troublesOf(snapshot, health)[0] ?? 'ok';
  const room = width - word.length - 1;
  const about = firstThatFits(
    [
      `${title}  ${url}  ${time}, made every ${snapshot.interval_seconds} s`,
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

function problemsOf({ snapshot, away }: Seen): string[] {
  const { interval_seconds, age_seconds, sources, alarms } = snapshot;
  const { management, events } = sources;
  const problems: string[] = [];
  if (away !== undefined) {
    problems.push(`These figures are ${secondsText(away.ageSeconds)} old. ${away.reason}`);
  } else if (age_seconds > interval_seconds * 3) {
    problems.push(`the snapshot is ${secondsText(age_seconds)} old`);
  }
  if (management.state !== 'ok') {
    const age = management.age_seconds;
    const figures = age === null ? 'it has told nothing yet' : `its figures are ${secondsText(age)} old`;
    problems.push(`RabbitMQ’s management API is away; ${figures}`);
  }
  if (events.state !== 'ok') {
    const reason = events.reason ?? 'the event log is not followed';
    problems.push(`${reason}; jobs and latencies are not those of now`);
  }
  for (const alarm of alarms) problems.push(`ALARM: ${alarm}; nothing can be published`);
  return problems;
}
