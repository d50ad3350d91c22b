import { heading } from './heading.ts';
import type { Paint, Seen, Size, View } from './view.ts';
import { workerLines } from './worker-lines.ts';

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
