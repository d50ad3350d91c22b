import { fileURLToPath } from 'node:url';

/** Scripts beyond those of Noto Sans itself (Latin, Greek, Cyrillic), each in a package of its own. */
const SCRIPTS = [
  'Arabic',
  'Armenian',
  'Bengali',
  'Devanagari',
  'Ethiopic',
  'Georgian',
  'Gujarati',
  'Gurmukhi',
  'Hebrew',
  'Kannada',
  'Khmer',
  'Lao',
  'Malayalam',
  'Myanmar',
  'Oriya',
  'Sinhala',
  'Tamil',
  'Telugu',
  'Thai',
  'Symbols',
];

/**
 * The files of all fonts that texts are drawn with. If you add one, also run
 * `node worker/engine/text/make-drawable-characters.ts`.
 */
export const fontFiles: readonly string[] = [
  '@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf',
  '@embedpdf/fonts-sc/fonts/NotoSansHans-Regular.otf',
  '@embedpdf/fonts-kr/fonts/NotoSansKR-Regular.otf',
  '@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf',
  ...SCRIPTS.map(
    (script) =>
      `@expo-google-fonts/noto-sans-${script.toLowerCase()}/400Regular/NotoSans${script}_400Regular.ttf`,
  ),
].map((path) => fileURLToPath(new URL(`../../../node_modules/${path}`, import.meta.url)));
