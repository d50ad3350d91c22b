import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** The result of a poll; undefined if monitoring did not respond. */
export type Poll = Snapshot | undefined;

/** As many entries as the widest terminal can show. */
const LONGEST = 500;

/** Adds a snapshot. Polling faster than monitoring refreshes returns the same snapshot again, which replaces its entry. */
export function addPoll(history: Poll[], snapshot: Snapshot): void {
  if (history.findLast((poll) => poll !== undefined)?.updated_at === snapshot.updated_at) {
    if (history.pop() === undefined) history.pop();
  }
  add(history, snapshot);
}

/** Adds one gap for any number of consecutive failed polls. */
export function addFailedPoll(history: Poll[]): void {
  if (history.length > 0 && history.at(-1) !== undefined) add(history, undefined);
}

/** A metric from events for each poll; undefined where events were not up to date. */
export function eventMetrics(
  history: readonly Poll[],
  metric: (snapshot: Snapshot) => number,
): (number | undefined)[] {
  return history.map((poll) => (poll?.sources.events.state === 'ok' ? metric(poll) : undefined));
}

function add(history: Poll[], poll: Poll): void {
  history.push(poll);
  if (history.length > LONGEST) history.shift();
}
