/** A service or container during a start. */
interface Started {
  readonly state: 'starting' | 'ready' | 'not ready' | 'restarting' | 'stopping' | 'stopped' | 'failed';
  readonly restarts: number;
}

/** How far a start is. A service that exits even once, though it is restarted, fails the start. */
export type StartProgress<Service> =
  | { readonly is: 'ready' }
  | { readonly is: 'waiting'; readonly for: readonly Service[] }
  | { readonly is: 'failed'; readonly service: Service };

/** @param restartsBefore how often a service had been restarted when the start began */
export function startProgress<Service extends Started>(
  services: readonly Service[],
  restartsBefore: (service: Service) => number = () => 0,
): StartProgress<Service> {
  const failed = services.find(
    (service) =>
      service.state === 'failed' ||
      service.state === 'restarting' ||
      service.restarts > restartsBefore(service),
  );
  if (failed !== undefined) return { is: 'failed', service: failed };
  const unready = unreadyOf(services);
  return services.length > 0 && unready.length === 0 ? { is: 'ready' } : { is: 'waiting', for: unready };
}

/** Services that should be ready and are not; a stopped one was stopped on purpose. */
export function unreadyOf<Service extends Started>(services: readonly Service[]): Service[] {
  return services.filter(({ state }) => state !== 'ready' && state !== 'stopped');
}

const ERROR = /(error|fatal|exception|failed|cannot|refused)\b/i;

/** The first line of a log that mentions an error. */
export function firstErrorIn(log: string): string | undefined {
  return log
    .split('\n')
    .find((line) => ERROR.test(line))
    ?.trim();
}
