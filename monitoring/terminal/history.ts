import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** What a look found; undefined where monitoring did not answer. */
export type Look = Snapshot | undefined;

/** As many as the widest terminal can show. */
const LONGEST = 500;

/** Adds what was seen at last. Whoever looks more often than monitoring does sees the same again, which is no new figure. */
export function addLook(history: Look[], seen: Snapshot): void {
  if (history.findLast((look) => look !== undefined)?.updated_at === seen.updated_at) {
    if (history.pop() === undefined) history.pop();
  }
  add(history, seen);
}

/** Adds that monitoring did not answer: once, however often it was asked meanwhile. */
export function addMissedLook(history: Look[]): void {
  if (history.length > 0 && history.at(-1) !== undefined) add(history, undefined);
}

/** One figure of each look at which events were followed; undefined at the others, whose figures are older ones. */
export function figuresByEvents(
  history: readonly Look[],
  figure: (snapshot: Snapshot) => number,
): (number | undefined)[] {
  return history.map((look) => (look?.sources.events.state === 'ok' ? figure(look) : undefined));
}

function add(history: Look[], look: Look): void {
  history.push(look);
  if (history.length > LONGEST) history.shift();
}
