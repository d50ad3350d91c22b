/** Line breaks and tabs, which would break a table. */
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control characters (C0, C1), line separators, and characters that change the text direction: they can disguise a name. */
export const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Makes untrusted text safe for a terminal or a log. Control characters become U+FFFD: they could move the cursor, colour
 * the terminal, forge lines, or show a name reversed.
 * @param maxLength in characters; a longer text is cut, and ends with …
 */
export function printable(text: string, maxLength = Infinity): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return shown.replace(BREAKS, ' ').replace(INVISIBLE, '\uFFFD');
}

/** Parses untrusted JSON; all strings and member names become printable. @throws SyntaxError */
export function parsePrintable(json: string): unknown {
  return JSON.parse(json, (_name, value: unknown) => {
    if (typeof value === 'string') return printable(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [printable(name), each as unknown]),
    );
  }) as unknown;
}
