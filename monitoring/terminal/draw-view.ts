import { heading } from './heading.ts';
import type { Paint, Seen, Size, View } from './view.ts';
import { workerLines } from './worker-lines.ts';

const plain: Paint = (_style, text) => text;

/**
 * The screen: no line longer than its width, no more lines than its height. Where it is too low the list of workers is
 * shortened, then empty lines go; then the last line says how many are hidden.
 */
export function drawView(view: View, seen: Seen, { width, height }: Size, paint: Paint): string[] {
  const isAway = seen.away !== undefined;
  const head = heading(view.title, seen, width, paint);
  const { above, below } = view.body(seen, width, isAway ? plain : paint);
  const bodyOf = (before: readonly string[], after: readonly string[]) => {
    const room = height - head.length - before.length - after.length;
    return [...before, ...workerLines(seen.snapshot, width, room, isAway ? plain : paint), ...after];
  };
  let body = bodyOf([...above, ''], ['', ...below]);
  if (head.length + body.length > height) body = bodyOf(above.filter(isText), below.filter(isText));
  // Old figures have no colours of their own, so that they do not look live.
  const lines = [...head, ...(isAway ? body.map((line) => paint('dim', line)) : body)];
  if (lines.length <= height) return lines;
  const shown = lines.slice(0, Math.max(0, height - 1));
  return [...shown, paint('yellow', `… ${lines.length - shown.length} lines hidden`)];
}

const isText = (line: string) => line !== '';
