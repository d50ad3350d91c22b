import { computed, signal } from '@preact/signals';
import { en, type Plural, type Texts } from './en.ts';
import { ru } from './ru.ts';

const languages = { en, ru } as const;
export type Language = keyof typeof languages;

const KEY = 'language';

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages].map((name) => name?.slice(0, 2));
  return wanted.find((name): name is Language => name === 'en' || name === 'ru') ?? 'en';
}

export const language = signal<Language>(firstLanguage());

export function setLanguage(chosen: Language): void {
  localStorage.setItem(KEY, chosen);
  document.documentElement.lang = chosen;
  language.value = chosen;
}

const plurals = computed(() => new Intl.PluralRules(language.value));
const numbers = computed(() => new Intl.NumberFormat(language.value));
const times = computed(() => new Intl.DateTimeFormat(language.value, { timeStyle: 'medium' }));
const dates = computed(
  () => new Intl.DateTimeFormat(language.value, { dateStyle: 'short', timeStyle: 'medium' }),
);

type Values = Readonly<Record<string, string | number>>;

/** A text in the chosen language. A plural needs the value `n`. */
export function t(key: keyof Texts, values: Values = {}): string {
  const text: string | Plural = languages[language.value][key];
  const n = Number(values['n'] ?? 0);
  const form = typeof text === 'string' ? text : (text[plurals.value.select(n)] ?? text.other);
  return form.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === 'number' ? numbers.value.format(value) : (value ?? '');
  });
}

const percents = computed(() => new Intl.NumberFormat(language.value, { style: 'percent' }));
/** Of a share, 0 to 1. */
export const formatPercent = (share: number) => percents.value.format(share);
export const formatNumber = (value: number) => numbers.value.format(value);
export const formatTime = (at: string | number) => times.value.format(new Date(at));
export const formatDate = (at: string | number) => dates.value.format(new Date(at));

function unit(value: number, name: string, digits = 0): string {
  const style = { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits } as const;
  return new Intl.NumberFormat(language.value, style).format(value);
}

/** `12 ms`, `3.4 s`, `2 min` */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return unit(Math.round(ms), 'millisecond');
  return ms < 120_000 ? formatSeconds(ms / 1_000) : unit(ms / 60_000, 'minute', 1);
}

export const formatSeconds = (seconds: number) =>
  seconds < 120 ? unit(seconds, 'second', 1) : unit(seconds / 60, 'minute', 1);

export function formatBytes(bytes: number): string {
  const isSmall = bytes < 1_000_000;
  return new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: isSmall ? 'kilobyte' : 'megabyte',
    maximumFractionDigits: 1,
  }).format(bytes / (isSmall ? 1_000 : 1_000_000));
}
