import type { Consumer } from '@image-pipeline/shared/broker/consumer.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

/** Consumes jobs from several queues; can be paused. Jobs in progress go on, and the queue keeps the others. */
export class JobIntake implements Startable {
  readonly #createConsumers: () => readonly Consumer[];
  readonly #patienceMs: number;
  #consumers: readonly Consumer[];
  #changing: Promise<void> = Promise.resolve();
  #state: 'consuming' | 'paused' | 'stopping' = 'consuming';

  /** @param patienceMs how long jobs in progress may take when it stops; then they are handed back */
  constructor(createConsumers: () => readonly Consumer[], patienceMs: number) {
    this.#createConsumers = createConsumers;
    this.#patienceMs = patienceMs;
    this.#consumers = createConsumers();
  }

  get state(): 'starting' | 'consuming' | 'paused' | 'stopping' {
    const isStarting =
      this.#state === 'consuming' && this.#consumers.some((consumer) => !consumer.isConsuming);
    return isStarting ? 'starting' : this.#state;
  }

  get notConsumingBecause(): string | undefined {
    if (this.#state === 'paused') return 'paused by a command';
    return this.#consumers.find((consumer) => !consumer.isConsuming)?.notConsumingBecause;
  }

  /** Jobs in progress. */
  get inFlight(): number {
    return this.#consumers.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  async start(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.start()));
  }

  pause(): Promise<void> {
    if (this.#state === 'consuming') {
      this.#state = 'paused';
      this.#changing = this.#changing.then(() => this.#stopAll());
    }
    return this.#changing;
  }

  /** Resolves when it consumes again: after the jobs that were in progress when it was paused. */
  resume(): Promise<void> {
    if (this.#state === 'paused') {
      this.#state = 'consuming';
      this.#changing = this.#changing.then(async () => {
        if (this.#isStopping()) return;
        this.#consumers = this.#createConsumers();
        await this.start();
      });
    }
    return this.#changing;
  }

  stop(): Promise<void> {
    this.#state = 'stopping';
    return this.#stopAll();
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop(this.#patienceMs)));
  }

  /** A call, because it may change during an await. */
  #isStopping(): boolean {
    return this.#state === 'stopping';
  }
}
