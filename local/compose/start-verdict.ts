import type { Container } from './container.ts';

/** How a start is going: a container that ended even once, though it is started again, has failed it. */
export type StartVerdict =
  | { readonly is: 'ready' }
  | { readonly is: 'waiting'; readonly for: readonly Container[] }
  | { readonly is: 'failed'; readonly container: Container };

/** @param before how often each container (by id) had been restarted when the start began */
export function startVerdict(
  containers: readonly Container[],
  before: ReadonlyMap<string, number>,
): StartVerdict {
  const failed = containers.find(
    ({ id, state, restarts }) =>
      state === 'failed' || state === 'restarting' || restarts > (before.get(id) ?? 0),
  );
  if (failed !== undefined) return { is: 'failed', container: failed };
  const unready = containers.filter(({ state }) => state === 'starting' || state === 'not ready');
  return containers.length > 0 && unready.length === 0 ? { is: 'ready' } : { is: 'waiting', for: unready };
}
