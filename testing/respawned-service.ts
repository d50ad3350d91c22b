import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess } from '../local/supervisor/managed-process.ts';
import { probe } from '../local/supervisor/probe.ts';
import {
  describeExit,
  spawnService,
  type Exit,
  type ServiceProcess,
  type ServiceProcessOptions,
} from '../local/supervisor/service-process.ts';

/** Without backoff: if services are killed every 2 s, a growing delay would leave none running. */
const RESTART_DELAY_MS = 500;
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

interface RespawnedServiceOptions extends ServiceProcessOptions {
  readonly name: string;
}

/** A service as a process that is restarted whenever it exits, until it is stopped. */
export class RespawnedService {
  readonly name: string;
  readonly port: number;
  /** Descriptions of unexpected exits. */
  readonly crashes: string[] = [];
  readonly #process: ManagedProcess;
  #environmentChanges: NodeJS.ProcessEnv = {};
  /** The process that got a signal to exit. */
  #signalled: ServiceProcess | undefined;

  constructor(options: RespawnedServiceOptions) {
    const { name, port, logFile, env } = options;
    this.name = name;
    this.port = port;
    this.#process = new ManagedProcess({
      name,
      logFile,
      launch: () => spawnService({ ...options, env: { ...env, ...this.#environmentChanges } }),
      probe: () => probe(port),
      restartDelay: () => RESTART_DELAY_MS,
      onExit: (exit, exited) => {
        if (exited !== this.#signalled) this.crashes.push(`${name}: ${describeExit(exit)}`);
      },
    });
  }

  /** Undefined between its exit and its next start. */
  get pid(): number | undefined {
    return this.#process.running?.pid;
  }

  start(): Promise<void> {
    return this.#process.start();
  }

  /** @throws Error if that takes longer than a minute */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const readiness = await probe(this.port);
      if (readiness.ready) return;
      if (performance.now() > deadline) throw new Error(`${this.name} is not ready: ${readiness.reason}`);
      await sleep(READY_POLL_MS);
    }
  }

  /** Sends a signal to the current process, if there is one. Returns how that process exits. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<Exit> | undefined {
    const { running } = this.#process;
    if (running === undefined) return undefined;
    if (name === 'SIGKILL' || name === 'SIGTERM') this.#signalled = running;
    running.signal(name);
    return running.exited;
  }

  /** Stops the process and waits for the next one, which has these changes to its environment instead of earlier ones. */
  async restartWith(changes: NodeJS.ProcessEnv): Promise<void> {
    this.#environmentChanges = changes;
    await this.signal('SIGTERM');
    await this.untilReady();
  }

  async stop(): Promise<void> {
    void this.signal('SIGCONT');
    await this.#process.stop();
  }
}
