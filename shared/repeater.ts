import type { Startable } from './lifecycle.ts';

/** Runs a function at an interval, never concurrently; the interval can be changed while it runs. */
export class Repeater implements Startable {
  readonly #work: () => Promise<number | undefined>;
  #intervalSeconds: number;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #isOn = false;

  /** @param work must not reject; it may return a shorter time until the next run, in seconds */
  constructor(work: () => Promise<number | undefined>, intervalSeconds: number) {
    this.#work = work;
    this.#intervalSeconds = intervalSeconds;
  }

  get intervalSeconds(): number {
    return this.#intervalSeconds;
  }

  /** Seconds from the start of one run to the start of the next. */
  set intervalSeconds(seconds: number) {
    this.#intervalSeconds = seconds;
    if (this.#running === undefined) this.#schedule();
  }

  /** False before `start` and after `stop`: long work ends early then. */
  get isOn(): boolean {
    return this.#isOn;
  }

  start(): Promise<void> {
    this.#isOn = true;
    void this.now();
    return Promise.resolve();
  }

  /** Runs it now, unless it is already running. */
  now(): Promise<void> {
    return (this.#running ??= this.#run());
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#startedAt = performance.now();
    const sooner = await this.#work();
    this.#running = undefined;
    this.#schedule(sooner);
  }

  #schedule(sooner = Infinity): void {
    clearTimeout(this.#timer);
    if (!this.#isOn) return;
    const left = this.#startedAt + Math.min(this.#intervalSeconds, sooner) * 1_000 - performance.now();
    this.#timer = setTimeout(() => void this.now(), Math.max(0, left));
  }
}
