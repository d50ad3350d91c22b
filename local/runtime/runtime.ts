/** What the services run as: processes of this machine, or containers. */
export type RuntimeKind = 'local' | 'compose';

/** A system that is up. */
export interface RunningSystem {
  /** e.g. `http://localhost:8000` */
  readonly apiUrl: string;
  /** e.g. `http://localhost:8002`; undefined while that service has no port on this machine. */
  readonly monitoringUrl: string | undefined;
  readonly readyWorkers: number;
  /** Every address, a line each. */
  readonly whereToLook: readonly string[];
}

/**
 * What the Makefile's commands ask for. All print what people should know, and throw UserError where something is not as
 * it should be.
 */
export interface Runtime {
  readonly kind: RuntimeKind;
  /** Starts the system unless it runs, and waits until everything is ready. */
  ensureUp(): Promise<{ readonly system: RunningSystem; readonly started: boolean }>;
  /** @throws UserError if the system is not running */
  running(): Promise<RunningSystem>;
  /** The data stays. */
  down(): Promise<void>;
  ps(): Promise<void>;
  /** Follows the logs of one service, or of all for an empty name, until Ctrl-C. */
  logs(service: string): Promise<void>;
  scale(workers: number): Promise<void>;
  /** Stops exactly one, after what it has in hand. */
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  doctor(): Promise<void>;
  /** Stops everything and removes its data. */
  clean(): Promise<void>;
}
