import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { ServiceReport } from './control.ts';
import type { Readiness } from './probe.ts';
import { describeExit, type Exit, type RunningProcess, type ServiceProcess } from './service-process.ts';

const PROBE_EVERY_MS = 100;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A process that ran this long was healthy: the restart delay starts from the beginning. */
const HEALTHY_MS = 60_000;
/** EX_CONFIG of sysexits.h: a restart does not fix an invalid configuration. */
const BAD_CONFIGURATION = 78;

export interface ManagedProcessOptions<Running> {
  readonly name: string;
  readonly logFile: string;
  /** Starts the process; called again for each restart. */
  readonly launch: () => Promise<Running>;
  /** Asked until it is ready once, and for each report. */
  readonly probe: () => Promise<Readiness>;
  /** Milliseconds to wait before a restart. Default: see restartDelay. */
  readonly restartDelay?: (exitsInARow: number) => number;
  readonly log?: (line: string) => void;
  /** Called whenever the process has started or exited, or is not to be restarted any more. */
  readonly onChange?: () => void;
  /** Called for each exit that `stop` did not cause. */
  readonly onExit?: (exit: Exit, exited: Running) => void;
}

/** A process that is restarted whenever it exits, until it is stopped. */
export class ManagedProcess<Running extends RunningProcess = ServiceProcess> {
  readonly name: string;
  readonly #options: ManagedProcessOptions<Running>;
  #state: ServiceReport['state'] = 'stopped';
  #reason: string | undefined;
  #running: Running | undefined;
  #port: number | undefined;
  #startedAt = 0;
  #restarts = 0;
  #stop = new AbortController();
  #launching: Promise<unknown> = Promise.resolve();
  #supervising: Promise<void> = Promise.resolve();

  constructor(options: ManagedProcessOptions<Running>) {
    this.name = options.name;
    this.#options = options;
  }

  /** Undefined between an exit and the next start. */
  get running(): Running | undefined {
    return this.#running;
  }

  /** The port of the current process, or of the last one. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Whether it was stopped, or never started. */
  get stopped(): boolean {
    return this.#state === 'stopped' || this.#state === 'stopping';
  }

  /** Resolves when the process has started. @throws Error if it cannot be started; then it is not tried again */
  async start(): Promise<void> {
    if (!this.stopped) return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const first = this.#launch();
    this.#supervising = first.then(
      (running) => this.#supervise(running, signal),
      (error: unknown) => this.#enter('failed', messageOf(error)),
    );
    await first;
  }

  /** Lets the process finish its current work, and waits until it has exited. */
  async stop(): Promise<void> {
    const { name, log, onChange } = this.#options;
    this.#stop.abort();
    if (this.#state !== 'stopped') this.#enter('stopping');
    await this.#launching.catch(() => undefined);
    const running = this.#running;
    await running?.stop();
    await this.#supervising;
    this.#enter('stopped');
    onChange?.();
    if (running === undefined) return;
    const { signal } = await running.exited;
    log?.(signal === 'SIGKILL' ? `${name} did not stop in time and was killed` : `${name} stopped`);
  }

  async report(): Promise<ServiceReport> {
    if (this.#state === 'ready' || this.#state === 'not ready') await this.#probe();
    const uptimeSeconds = (performance.now() - this.#startedAt) / 1_000;
    return {
      name: this.name,
      state: this.#state,
      restarts: this.#restarts,
      logFile: this.#options.logFile,
      ...(this.#port === undefined ? {} : { port: this.#port }),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(this.#running === undefined ? {} : { pid: this.#running.pid, uptimeSeconds }),
    };
  }

  async #supervise(first: Running, stop: AbortSignal): Promise<void> {
    const { name, log, onChange, onExit, restartDelay: delay = restartDelay } = this.#options;
    const isStopped = () => stop.aborted;
    let running: Running | undefined = first;
    let reason = '';
    for (let exits = 0; ;) {
      if (running !== undefined) {
        const exit: Exit = await running.exited;
        this.#running = undefined;
        if (isStopped()) return;
        onExit?.(exit, running);
        if (exit.code === BAD_CONFIGURATION) break;
        reason = describeExit(exit);
      }
      exits = exitsInARow(exits, running === undefined ? 0 : performance.now() - this.#startedAt);
      const delayMs = delay(exits);
      this.#restarts++;
      this.#enter('restarting', reason);
      log?.(`${name} exited (${reason}); restarting in ${delayMs / 1_000} s`);
      onChange?.();
      await sleep(delayMs, undefined, { signal: stop }).catch(() => undefined);
      if (isStopped()) return;
      running = await this.#launch().catch((error: unknown) => {
        reason = `failed to start: ${messageOf(error)}`;
        return undefined;
      });
      if (running === undefined && isStopped()) return;
    }
    this.#enter('failed', 'invalid configuration (exit code 78)');
    log?.(`${name} failed: invalid configuration (exit code 78). It is not restarted`);
    onChange?.();
  }

  async #launch(): Promise<Running> {
    const { name, launch, log, onChange } = this.#options;
    this.#enter('starting');
    this.#startedAt = performance.now();
    const launching = launch();
    this.#launching = launching;
    const running = await launching;
    this.#running = running;
    this.#port = running.port;
    log?.(`${name} started (pid ${running.pid}, port ${running.port})`);
    onChange?.();
    void this.#probeUntilReady(running);
    return running;
  }

  async #probeUntilReady(running: Running): Promise<void> {
    while (this.#running === running && this.#state === 'starting') {
      await this.#probe();
      await sleep(PROBE_EVERY_MS, undefined, { ref: false });
    }
  }

  /** Until it was ready once, it is still starting. */
  async #probe(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const readiness = await this.#options.probe();
    if (this.#running !== running || this.stopped) return;
    if (readiness.ready) this.#enter('ready');
    else this.#enter(this.#state === 'starting' ? 'starting' : 'not ready', readiness.reason);
  }

  #enter(state: ServiceReport['state'], reason?: string): void {
    this.#state = state;
    this.#reason = reason;
  }
}

/** How often in a row a process has exited, including the exit after `uptimeMs`. */
export function exitsInARow(before: number, uptimeMs: number): number {
  return uptimeMs >= HEALTHY_MS ? 1 : before + 1;
}

/** Doubles from half a second to half a minute. @returns milliseconds */
export function restartDelay(exitsInARow: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (exitsInARow - 1), LONGEST_DELAY_MS);
}
