/** How the services run: as processes of this machine, or as containers. */
export type RuntimeKind = 'local' | 'compose';

/** A running system. */
export interface RunningSystem {
  /** e.g. `http://localhost:8000` */
  readonly apiUrl: string;
  /** e.g. `http://localhost:8002`; undefined while the service is not running. */
  readonly monitoringUrl: string | undefined;
  readonly readyWorkers: number;
  /** The addresses of the system for people, one per line. */
  readonly addressLines: readonly string[];
}

/** A command that people can type, and the same thing as a function. */
export interface Command {
  /** e.g. `kill -9 4711` */
  readonly line: string;
  run(): Promise<void>;
}

/** A worker that is ready for jobs. */
export interface RunningWorker {
  /** As in `make ps`. */
  readonly name: string;
  /** Whether this is the worker's name in the timelines of jobs. */
  isNamed(inTimeline: string): boolean;
  /** Kills it, like a crash. */
  readonly kill: Command;
  /** Whether it is restarted automatically after `kill`. */
  readonly isRestarted: boolean;
}

/**
 * The commands of the Makefile. They print their results, and throw UserError if they fail.
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
  /**
   * Follows the logs of one service, or of all for an empty name, until Ctrl-C.
   * @param text unless empty: prints all lines with this text instead, of the whole logs
   */
  logs(service: string, text: string): Promise<void>;
  /**
   * @param workers the new number of workers
   * @param slots concurrent jobs per worker; `default`: the number of the configuration. Workers with another number
   *   restart after their current jobs. Undefined: no change.
   */
  scale(workers: number, slots?: number | 'default'): Promise<void>;
  /** The workers that are ready, oldest first; `stopWorker` stops the last one. */
  workers(): Promise<readonly RunningWorker[]>;
  /** Stops all workers after their current jobs. */
  readonly stopWorkers: Command;
  /** Starts this number of workers after `stopWorkers`. */
  startWorkers(count: number): Command;
  /** Stops exactly one worker after its current jobs. */
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  doctor(): Promise<void>;
  /** Stops everything and removes its data. */
  clean(): Promise<void>;
}
