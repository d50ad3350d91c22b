import { Problem } from '../api.ts';
import { problemsRu, reasonsRu } from './problems-ru.ts';
import { formatBytes, formatNumber, language, t } from './text.ts';

/** Limits that are bytes. */
const inBytes: readonly string[] = ['file_too_large', 'body_too_large'];

/** Why a call failed, in the chosen language. The API's English message is always included. */
export function explain(error: unknown): string {
  if (!(error instanceof Problem)) {
    // `fetch` throws a TypeError, whose text differs between browsers.
    return error instanceof TypeError || !(error instanceof Error) ? t('unreachable') : error.message;
  }
  const { code, message } = error;
  if (language.value === 'en' || !isKnown(code)) return message;
  return `${fill(problemsRu[code], error)} (${t('apiSays')}: ${message})`;
}

/** Why a job failed, in the chosen language. The worker's English reason is always included. */
export function explainFailure({ code, reason }: { readonly code: string; readonly reason: string }): string {
  if (language.value === 'en' || !isKnown(code)) return reason;
  return `${problemsRu[code]} (${t('workerSays')}: ${reason})`;
}

/** Why a job was redelivered or postponed; in the chosen language, if that reason is known. */
export function explainReason(reason: string): string {
  return (language.value === 'ru' ? reasonsRu.get(reason) : undefined) ?? reason;
}

function isKnown(code: string): code is keyof typeof problemsRu {
  return Object.hasOwn(problemsRu, code);
}

function fill(text: string, { code, members }: Problem): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = members[name];
    if (typeof value === 'number') return inBytes.includes(code) ? formatBytes(value) : formatNumber(value);
    if (Array.isArray(value)) return value.map(String).join(', ');
    return typeof value === 'string' ? value : '?';
  });
}
