import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { isAlive } from '../process/identity.ts';
import type { ServiceReport } from './report.ts';
import { restartDelay } from './restart-delay.ts';
import type { Broker } from './system-plan.ts';

const LOOK_EVERY_MS = 1_000;

export interface ManagedBrokerOptions {
  readonly startBroker: (again: boolean) => Promise<Broker>;
  readonly logFile: string;
  readonly log: (line: string) => void;
}

/** The broker node, started again with the same ports if it dies. */
export class ManagedBroker {
  readonly #options: ManagedBrokerOptions;
  #broker: Broker | undefined;
  #state: ServiceReport['state'] = 'stopped';
  #since = 0;
  #restarts = 0;
  #watching: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  constructor(options: ManagedBrokerOptions) {
    this.#options = options;
  }

  async start(): Promise<Broker> {
    const broker = await this.#launch();
    const abort = new AbortController();
    this.#watching = { abort, done: this.#watch(abort.signal) };
    return broker;
  }

  async stop(): Promise<void> {
    this.#watching?.abort.abort();
    await this.#watching?.done;
    this.#state = 'stopping';
    await this.#broker?.stop();
    this.#state = 'stopped';
  }

  /** Undefined until it was up once. */
  get broker(): Broker | undefined {
    return this.#broker;
  }

  report(): ServiceReport {
    const broker = this.#broker;
    const up = broker !== undefined && this.#state === 'ready';
    return {
      name: 'rabbitmq',
      state: this.#state,
      restarts: this.#restarts,
      logFile: this.#options.logFile,
      ...(broker === undefined ? {} : { port: broker.ports.amqp }),
      ...(up ? { pid: broker.process.pid, uptimeSeconds: (performance.now() - this.#since) / 1_000 } : {}),
    };
  }

  async #launch(): Promise<Broker> {
    const again = this.#broker !== undefined;
    this.#state = again ? 'restarting' : 'starting';
    const broker = await this.#options.startBroker(again);
    this.#broker = broker;
    this.#since = performance.now();
    this.#state = 'ready';
    this.#options.log(`rabbitmq is ready (pid ${broker.process.pid}, port ${broker.ports.amqp})`);
    return broker;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for (let failures = 0; await sleep(LOOK_EVERY_MS, signal);) {
      if (this.#state === 'ready' && this.#broker !== undefined && (await isAlive(this.#broker.process)))
        continue;
      this.#restarts += 1;
      this.#options.log('rabbitmq exited; restarting it');
      try {
        await this.#launch();
        failures = 0;
      } catch (error) {
        this.#options.log(`rabbitmq failed to start: ${messageOf(error)}`);
        await sleep(restartDelay(++failures), signal);
      }
    }
  }
}

/** False if it was cut short. */
async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
