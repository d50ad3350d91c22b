import { secondsText } from './figures-text.ts';
import { firstThatFits, wrap } from './fit-text.ts';
import { troublesOf } from './troubles.ts';
import type { Paint, Seen } from './view.ts';

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
