import { signal } from '@preact/signals';

const KEY = 'token';

/** The API token of this tab; empty until it is given. */
export const token = signal(sessionStorage.getItem(KEY) ?? '');

export function setToken(given: string): void {
  sessionStorage.setItem(KEY, given);
  token.value = given;
}
