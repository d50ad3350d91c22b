import type { Paint, Seen } from './view.ts';
import { fit, secondsText } from './figures-text.ts';

/** What is shown, from where, how old, and what is wrong. */
export function heading(
  title: string,
  { url, health, snapshot }: Seen,
  width: number,
  paint: Paint,
): string[] {
  const { updated_at, interval_seconds, age_seconds, sources, alarms } = snapshot;
  const time = new Date(updated_at).toLocaleTimeString('en-GB');
  const about = `${title}  ${url}  ${time}, every ${interval_seconds} s`;
  const word = health.status;
  const first =
    paint('bold', fit(about, width - word.length - 1)) +
    ` ${paint(word === 'ok' ? 'green' : word === 'stale' ? 'yellow' : 'red', word)}`;
  const problems: string[] = [];
  if (sources.management.state !== 'ok') {
    const age = secondsText(sources.management.age_seconds);
    problems.push(`RabbitMQ’s management API is away; its figures are ${age} old`);
  }
  if (sources.events.state !== 'ok') {
    const reason = sources.events.reason ?? 'the event log is not followed';
    problems.push(`${reason}; jobs and latencies are not those of now`);
  }
  if (age_seconds > interval_seconds * 3) problems.push(`the snapshot is ${secondsText(age_seconds)} old`);
  for (const alarm of alarms) problems.push(`ALARM: ${alarm}; nothing can be published`);
  return [
    first,
    paint('dim', '─'.repeat(width)),
    ...problems.map((problem) => paint('red', fit(problem, width).trimEnd())),
  ];
}
