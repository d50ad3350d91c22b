import { wrap } from './fit-text.ts';
import type { Paint } from './view.ts';

/** Of the label, in characters; further lines of the text begin below the first. */
export const LABEL_WIDTH = 10;

/** A bold label and a text beside it, in as many lines as the width asks for. @param tint colours a line of the text */
export function labelledLines(
  label: string,
  text: string,
  width: number,
  paint: Paint,
  tint: (line: string) => string = (line) => line,
): string[] {
  return wrap(text, Math.max(1, width - LABEL_WIDTH)).map((line, i) => {
    const margin = ' '.repeat(LABEL_WIDTH - (i === 0 ? label.length : 0));
    return `${i === 0 ? paint('bold', label) : ''}${margin}${tint(line)}`;
  });
}
