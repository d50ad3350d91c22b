import type { Container } from './container.ts';

/** The worker that `make stop-worker` stops: the newest that runs. */
export function workerToStop(containers: readonly Container[]): Container | undefined {
  return workersOf(containers)
    .filter(({ state }) => state !== 'stopped' && state !== 'failed')
    .at(-1);
}

/** The worker that `make start-worker` starts again; undefined if none is stopped. */
export function workerToStart(containers: readonly Container[]): Container | undefined {
  return workersOf(containers).find(({ state }) => state === 'stopped' || state === 'failed');
}

/** By their numbers. */
export function workersOf(containers: readonly Container[]): Container[] {
  return containers.filter(({ service }) => service === 'worker').sort((a, b) => a.number - b.number);
}
