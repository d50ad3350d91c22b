import { setTimeout as sleep } from 'node:timers/promises';
import { terminate } from '../local/process/terminate.ts';
import {
  describeExit,
  spawnService,
  type Exit,
  type ServiceProcess,
} from '../local/supervisor/service-process.ts';
import { probe } from '../local/supervisor/probe.ts';

/** Without backoff: with a kill every 2 s, backoff would leave no worker. */
const RESPAWN_MS = 500;
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;
/** A service has 30 s to stop, plus some time to exit. */
const STOP_DEADLINE_MS = 35_000;

export interface RespawnedServiceOptions {
  readonly name: string;
  readonly port: number;
  /** Arguments to Node, the script first. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
}

/** A service as a process, restarted whenever it ends, until `stop()`. */
export class RespawnedService {
  readonly name: string;
  readonly port: number;
  /** Descriptions of unexpected ends. */
  readonly crashes: string[] = [];
  readonly #options: RespawnedServiceOptions;
  #env: NodeJS.ProcessEnv;
  #process: ServiceProcess | undefined;
  #condemned: ServiceProcess | undefined;
  #stopped = true;
  #supervising: Promise<void> = Promise.resolve();

  constructor(options: RespawnedServiceOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
    this.#env = options.env;
  }

  /** Undefined between its end and its next start. */
  get pid(): number | undefined {
    return this.#process?.identity.pid;
  }

  async start(): Promise<void> {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#supervising = this.#supervise(await this.#launch());
  }

  /** @throws Error if that takes a minute */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const answer = await probe(this.port);
      if (answer.ready) return;
      if (performance.now() > deadline) throw new Error(`${this.name} is not ready: ${answer.reason}`);
      await sleep(READY_POLL_MS);
    }
  }

  /** Sends a signal to the present process, if there is one. Returns how that process ends. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<Exit> | undefined {
    const running = this.#process;
    if (running === undefined) return undefined;
    if (name === 'SIGKILL' || name === 'SIGTERM') this.#condemned = running;
    process.kill(running.identity.pid, name);
    return running.exited;
  }

  /** Restarts it with these changes to its environment in place of earlier ones; resolves when it is ready. */
  async restartWith(changes: NodeJS.ProcessEnv): Promise<void> {
    this.#env = { ...this.#options.env, ...changes };
    await this.signal('SIGTERM');
    await this.untilReady();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const running = this.#process;
    if (running !== undefined) {
      void this.signal('SIGCONT');
      await terminate(running.identity, STOP_DEADLINE_MS);
    }
    await this.#supervising;
  }

  async #supervise(first: ServiceProcess): Promise<void> {
    for (let running = first; ; running = await this.#launch()) {
      const exit = await running.exited;
      this.#process = undefined;
      if (this.#isStopped()) return;
      if (this.#condemned !== running) this.crashes.push(`${this.name}: ${describeExit(exit)}`);
      await sleep(RESPAWN_MS);
      if (this.#isStopped()) return;
    }
  }

  /** May have become true during an await. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  async #launch(): Promise<ServiceProcess> {
    const launched = await spawnService({ ...this.#options, env: this.#env });
    this.#process = launched;
    // Stopped while it was being started.
    if (this.#stopped) process.kill(launched.identity.pid, 'SIGTERM');
    return launched;
  }
}
