import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import { terminate } from '../process/terminate.ts';
import { probe } from './probe.ts';
import type { ServiceReport } from './report.ts';
import { endsInARow, restartDelay } from './restart-delay.ts';
import { describeExit, spawnService, type Exit, type ServiceProcess } from './service-process.ts';

/** A service has 30 s to finish its current work, and a little time to exit. */
const STOP_DEADLINE_MS = 35_000;
const PROBE_EVERY_MS = 100;
/** EX_CONFIG of sysexits.h: a bad configuration does not get better by starting again. */
const BAD_CONFIGURATION = 78;

export interface ManagedServiceOptions {
  readonly name: string;
  readonly port: number;
  /** What is started; Node by default. */
  readonly program?: string;
  /** Its arguments; to Node, the script first. */
  readonly args: readonly string[];
  /** Where it answers 200 when it is ready; `/readyz` by default. */
  readonly readyPath?: string;
  /** Read at each start. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  readonly log: (line: string) => void;
  /** Its process has come or gone, or it is not meant to have one any more. */
  readonly onChange: () => void;
}

/** One service, started again whenever it ends by itself, until it is told to stop. */
export class ManagedService {
  readonly name: string;
  readonly port: number;
  readonly #options: ManagedServiceOptions;
  #state: ServiceReport['state'] = 'stopped';
  #reason: string | undefined;
  #process: ServiceProcess | undefined;
  #restarts = 0;
  #endsInARow = 0;
  #restart: NodeJS.Timeout | undefined;
  #launching: Promise<void> = Promise.resolve();

  constructor(options: ManagedServiceOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
  }

  /** The process it has at the moment. */
  get process(): ProcessIdentity | undefined {
    return this.#process?.identity;
  }

  /** Whether it was told to stop, or never to start. */
  get stopped(): boolean {
    return this.#state === 'stopped' || this.#state === 'stopping';
  }

  async start(): Promise<void> {
    if (!this.stopped) return;
    this.#endsInARow = 0;
    await (this.#launching = this.#launch());
  }

  /** Lets it finish its current work; kills it after the deadline. */
  async stop(): Promise<void> {
    this.#enter('stopping');
    clearTimeout(this.#restart);
    // Whoever started it was told why it did not start.
    await this.#launching.catch(() => undefined);
    const running = this.#process;
    if (running === undefined) {
      this.#enter('stopped');
      this.#options.onChange();
      return;
    }
    const how = await terminate(running.identity, STOP_DEADLINE_MS);
    await running.exited;
    this.#options.log(
      how === 'killed' ? `${this.name} did not stop in time and was killed` : `${this.name} stopped`,
    );
  }

  async report(): Promise<ServiceReport> {
    if (this.#state === 'ready' || this.#state === 'not ready') await this.#look();
    const running = this.#process;
    return {
      name: this.name,
      state: this.#state,
      port: this.port,
      restarts: this.#restarts,
      logFile: this.#options.logFile,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(running === undefined
        ? {}
        : { pid: running.identity.pid, uptimeSeconds: (performance.now() - running.since) / 1_000 }),
    };
  }

  async #launch(): Promise<void> {
    this.#enter('starting');
    const launched = await spawnService({ ...this.#options, env: this.#options.env() });
    this.#process = launched;
    this.#options.log(`${this.name} started (pid ${launched.identity.pid}, port ${this.port})`);
    this.#options.onChange();
    void launched.exited.then((exit) => this.#onExit(exit));
    void this.#watchUntilReady(launched);
  }

  async #watchUntilReady(launched: ServiceProcess): Promise<void> {
    while (this.#process === launched && this.#state === 'starting') {
      await this.#look();
      await delay(PROBE_EVERY_MS, undefined, { ref: false });
    }
  }

  /** Asks the service whether it is ready. Until it was so once, it is still starting. */
  async #look(): Promise<void> {
    const asked = this.#process;
    const answer = await probe(this.port, this.#options.readyPath);
    if (this.#process !== asked || asked === undefined || this.stopped) return;
    if (answer.ready) this.#enter('ready');
    else this.#enter(this.#state === 'starting' ? 'starting' : 'not ready', answer.reason);
  }

  #onExit(exit: Exit): void {
    this.#process = undefined;
    if (this.stopped) {
      this.#enter('stopped');
    } else if (exit.code === BAD_CONFIGURATION) {
      this.#enter('failed', 'invalid configuration (exit code 78)');
      this.#options.log(`${this.name} failed: invalid configuration (exit code 78). It is not restarted`);
    } else {
      this.#startAgain(describeExit(exit), exit.uptimeMs);
    }
    this.#options.onChange();
  }

  /** The more often in a row it has ended, the later. */
  #startAgain(reason: string, uptimeMs: number): void {
    this.#restarts += 1;
    this.#endsInARow = endsInARow(this.#endsInARow, uptimeMs);
    const wait = restartDelay(this.#endsInARow);
    this.#enter('restarting', reason);
    this.#options.log(`${this.name} exited (${reason}); restarting in ${wait / 1_000} s`);
    this.#restart = setTimeout(() => {
      this.#launching = this.#relaunch();
    }, wait);
  }

  /** Never rejects: not to start counts as an end. */
  async #relaunch(): Promise<void> {
    try {
      await this.#launch();
    } catch (error) {
      if (!this.stopped) this.#startAgain(`failed to start: ${messageOf(error)}`, 0);
    }
  }

  #enter(state: ServiceReport['state'], reason?: string): void {
    this.#state = state;
    this.#reason = reason;
  }
}
