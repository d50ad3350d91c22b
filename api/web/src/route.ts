import { signal } from '@preact/signals';

/** The part of the address after `#`: a path and its query, so that every view and filter can be bookmarked. */
export interface Route {
  readonly path: string;
  readonly query: URLSearchParams;
}

function read(): Route {
  const [path = '', query = ''] = location.hash.slice(1).split('?');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) };
}

export const route = signal<Route>(read());

addEventListener('hashchange', () => (route.value = read()));

/** Changes the query of the current view without a new entry in the history. */
export function setQuery(name: string, value: string): void {
  const query = new URLSearchParams(route.value.query);
  if (value === '') query.delete(name);
  else query.set(name, value);
  const text = query.toString();
  history.replaceState(null, '', `#${route.value.path}${text === '' ? '' : `?${text}`}`);
  route.value = read();
}

export const jobLink = (id: string) => `#/jobs/${id}`;
