import { drawableCharacters } from './drawable-characters.ts';

/** What is removed before a text is drawn. */
const CONTROL = /[^\P{Cc}\n\t]/gu;
/** What takes no glyph of a font: spaces, and characters that are invisible by definition. */
const NEEDS_NO_GLYPH = /[\p{White_Space}\p{Default_Ignorable_Code_Point}]/u;
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}]/u;

/** First and last code point of each range. */
const ranges = parseRanges();

/** A text as it is drawn: composed (NFC), without control characters. */
export function asDrawn(text: string): string {
  return text.toWellFormed().normalize('NFC').replace(CONTROL, '');
}

/**
 * Why a text cannot be drawn, to complete "The text …"; undefined if it can.
 */
export function whyNotDrawable(text: string): string | undefined {
  const drawn = asDrawn(text);
  if (!VISIBLE.test(drawn)) return 'has no visible character';
  const missing = [...new Set(drawn)].filter(
    (character) => !NEEDS_NO_GLYPH.test(character) && !hasGlyph(character),
  );
  if (missing.length === 0) return undefined;
  const named = missing.slice(0, MOST_NAMED).map((character) => `"${character}" (${codeOf(character)})`);
  if (missing.length > MOST_NAMED) named.push(`${missing.length - MOST_NAMED} more`);
  return `has characters that no font can draw: ${named.join(', ')}`;
}

const MOST_NAMED = 10;

function codeOf(character: string): string {
  return `U+${codePoint(character).toString(16).toUpperCase().padStart(4, '0')}`;
}

function hasGlyph(character: string): boolean {
  const code = codePoint(character);
  return ranges.some(([first, last]) => first <= code && code <= last);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function parseRanges(): (readonly [first: number, last: number])[] {
  let end = 0;
  return drawableCharacters
    .trim()
    .split(/\s+/)
    .map((range) => {
      const [distance = 0, longer = 0] = range.split('+').map((number) => Number.parseInt(number, 36));
      const first = end + distance;
      end = first + longer;
      return [first, end];
    });
}
