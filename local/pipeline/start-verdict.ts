import type { ServiceReport, SystemReport } from '../supervisor/report.ts';

/** How a start is going: a service that ended even once, though it may be started again, has failed it. */
export type StartVerdict =
  | { readonly is: 'ready' }
  | { readonly is: 'waiting'; readonly for: readonly ServiceReport[] }
  | { readonly is: 'failed'; readonly service: ServiceReport };

export function startVerdict({ phase, services }: SystemReport): StartVerdict {
  const failed = services.find(({ state, restarts }) => state === 'failed' || restarts > 0);
  if (failed !== undefined) return { is: 'failed', service: failed };
  const unready = notReady(services);
  return phase === 'running' && unready.length === 0 ? { is: 'ready' } : { is: 'waiting', for: unready };
}

/** Those that should be ready and are not; one that somebody stopped should not. */
export function notReady(services: readonly ServiceReport[]): ServiceReport[] {
  return services.filter(({ state }) => state !== 'ready' && state !== 'stopped');
}

const ERROR = /(error|fatal|exception|failed|cannot|refused)\b/i;

/** The first line of a log that speaks of an error. */
export function firstErrorIn(log: string): string | undefined {
  return log
    .split('\n')
    .find((line) => ERROR.test(line))
    ?.trim();
}
