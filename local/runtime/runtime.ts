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

/** What people can type, and the same thing done by this process. */
export interface Command {
  /** e.g. `kill -9 4711` */
  readonly line: string;
  run(): Promise<void>;
}

/** A worker that is ready for jobs. */
export interface RunningWorker {
  /** As `make ps` shows it. */
  readonly name: string;
  /** Whether timelines of jobs call this worker so. */
  isNamed(inTimeline: string): boolean;
  /** Ends it at once, as a crash does. */
  readonly kill: Command;
  /** Whether one that was killed is started again without anybody's help. */
  readonly isRestarted: boolean;
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
  /**
   * @param workers how many there are afterwards
   * @param slots jobs that each processes at once; `default`: as the configuration says. Workers that have another number
   *   finish their jobs and start again. Left out, those that run keep theirs.
   */
  scale(workers: number, slots?: number | 'default'): Promise<void>;
  /** Those that are ready, oldest first: `stopWorker` stops the last. */
  workers(): Promise<readonly RunningWorker[]>;
  /** Stops all workers, each after the jobs that it is processing. */
  readonly stopWorkers: Command;
  /** Starts so many workers when all were stopped. */
  startWorkers(count: number): Command;
  /** Stops exactly one, after its current jobs. */
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  doctor(): Promise<void>;
  /** Stops everything and removes its data. */
  clean(): Promise<void>;
}
