import type { Paint } from './view.ts';

/** Cut to the width, with an ellipsis; padded to it. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** The same, cut at its beginning: names of queues and workers differ at their ends. */
export function fitEnd(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `…${text.slice(text.length - width + 1)}`;
}

/** The first text that fits the width; otherwise the last one, cut. */
export function firstThatFits(texts: readonly string[], width: number): string {
  return texts.find((text) => text.length <= width) ?? fit(texts.at(-1) ?? '', width);
}

/** Wraps a text between words, but not between a number and its unit; splits words that are too long. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<!\d) /)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  return [...lines, line];
}

/** Width of the label, in characters. Further lines of the text are indented by it. */
export const LABEL_WIDTH = 10;

/** A bold label with a wrapped text beside it. @param tint colours a line of the text */
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
