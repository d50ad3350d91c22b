import type { Consumer } from '@image-pipeline/shared/broker/consumer.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

/** Consumes jobs; can be paused. Jobs in progress go on, and the queue keeps the others. */
export class JobIntake implements Startable {
  readonly #createConsumer: () => Consumer;
  readonly #patienceMs: number;
  #consumer: Consumer;
  #changing: Promise<void> = Promise.resolve();
  #state: 'consuming' | 'paused' | 'stopping' = 'consuming';

  /** @param patienceMs how long jobs in progress may take when it stops; then they are handed back */
  constructor(createConsumer: () => Consumer, patienceMs: number) {
    this.#createConsumer = createConsumer;
    this.#patienceMs = patienceMs;
    this.#consumer = createConsumer();
  }

  get state(): 'starting' | 'consuming' | 'paused' | 'stopping' {
    return this.#state === 'consuming' && !this.#consumer.isConsuming ? 'starting' : this.#state;
  }

  get notConsumingBecause(): string | undefined {
    return this.#state === 'paused' ? 'paused by a command' : this.#consumer.notConsumingBecause;
  }

  /** Jobs in progress. */
  get inFlight(): number {
    return this.#consumer.inFlight;
  }

  start(): Promise<void> {
    return this.#consumer.start();
  }

  pause(): Promise<void> {
    if (this.#state === 'consuming') {
      this.#state = 'paused';
      this.#changing = this.#changing.then(() => this.#consumer.stop(this.#patienceMs));
    }
    return this.#changing;
  }

  /** Resolves when it consumes again: after the jobs that were in progress when it was paused. */
  resume(): Promise<void> {
    if (this.#state === 'paused') {
      this.#state = 'consuming';
      this.#changing = this.#changing.then(async () => {
        if (this.#isStopping()) return;
        this.#consumer = this.#createConsumer();
        await this.#consumer.start();
      });
    }
    return this.#changing;
  }

  stop(): Promise<void> {
    this.#state = 'stopping';
    return this.#consumer.stop(this.#patienceMs);
  }

  /** A call, because it may change during an await. */
  #isStopping(): boolean {
    return this.#state === 'stopping';
  }
}
