import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** As many as the widest terminal can show. */
const LONGEST = 500;

/** Adds what was seen at last. Whoever looks more often than monitoring does sees the same again, which is no new figure. */
export function addLook(history: Snapshot[], seen: Snapshot): void {
  if (history.at(-1)?.updated_at === seen.updated_at) history.pop();
  history.push(seen);
  if (history.length > LONGEST) history.shift();
}
