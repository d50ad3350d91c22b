import { signal } from '@preact/signals';

const KEY = 'token';

/** The API token of this tab; empty until it is given. */
export const token = signal(sessionStorage.getItem(KEY) ?? '');

/** Whether the API refused a request because of its token. */
export const isTokenRefused = signal(false);

export function setToken(given: string): void {
  isTokenRefused.value = false;
  sessionStorage.setItem(KEY, given);
  token.value = given;
}
