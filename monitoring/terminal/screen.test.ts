import { expect, it } from 'vitest';
import { Screen } from './screen.ts';

/** A terminal of 4 by 3, and what was written to it. */
function terminal() {
  const written: string[] = [];
  return { written, out: { columns: 4, rows: 3, write: (text: string) => written.push(text) } };
}

it('clears each line before writing it, so that a line of full width keeps its last character', () => {
  const { written, out } = terminal();
  new Screen(out).paint(['full', 'two']);
  expect(written.join('')).toContain('\u001b[H\u001b[Kfull\n\u001b[Ktwo\n\u001b[J');
});

it('disables line wrapping, and restores it on close', () => {
  const { written, out } = terminal();
  const screen = new Screen(out);
  screen.paint(['much too long']);
  expect(written.join('')).toContain('\u001b[?7l');
  screen.close();
  expect(written.at(-1)).toBe('\u001b[?7h\u001b[?25h\u001b[?1049lmuch too long\n');
});
