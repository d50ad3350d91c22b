import type { Logger } from '@image-pipeline/shared/log.ts';
import { TransientFailure, messageOf } from '@image-pipeline/shared/errors.ts';
import type { Child } from './child.ts';

export interface ChildGroupOptions {
  /** The number of images processed at once. */
  readonly size: number;
  /** @throws TransientFailure `engine_crashed` */
  readonly startChild: () => Promise<Child>;
  /** Whether a process that is alive can take another image. */
  readonly isFit: (child: Child) => boolean;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/**
 * Child processes of the same kind. A process is replaced as soon as it is known that it cannot take another image, so that
 * no image waits for a process to start, except the first ones.
 */
export class ChildGroup {
  readonly #options: ChildGroupOptions;
  /** Those that will take another image; with `#starting`, at most `size`. */
  readonly #members = new Set<Child>();
  readonly #starting = new Set<Promise<void>>();
  readonly #idle: Child[] = [];
  readonly #waiting: PromiseWithResolvers<Child>[] = [];
  readonly #running = new Set<Child>();
  #stopped: TransientFailure | undefined;

  constructor(options: ChildGroupOptions) {
    this.#options = options;
  }

  /** Starts the missing processes. @throws TransientFailure `engine_crashed` if one does not start */
  async fill(): Promise<void> {
    while (this.#stopped === undefined && this.#members.size + this.#starting.size < this.#options.size) {
      this.#startOne();
    }
    await Promise.all(this.#starting);
  }

  /**
   * Takes the idle process with the most memory, so that one that has not processed an image stays small; waits while all
   * are busy. Pass it to `release` afterwards.
   * @throws TransientFailure `engine_crashed` if none can be started, or the group has stopped
   */
  acquire(): Promise<Child> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    this.#idle.sort((one, other) => one.memoryBytes - other.memoryBytes);
    for (let child = this.#idle.pop(); child !== undefined; child = this.#idle.pop()) {
      if (child.alive) return Promise.resolve(child);
      this.#retire(child);
    }
    const image = Promise.withResolvers<Child>();
    this.#waiting.push(image);
    this.#replaceMissing();
    return image.promise;
  }

  release(child: Child): void {
    if (child.alive && this.#options.isFit(child)) this.#offer(child);
    else this.#retire(child);
  }

  /** No image gets a process any more. */
  close(): void {
    this.#stopped ??= new TransientFailure('engine_crashed', 'The image pool has stopped.');
    for (const image of this.#waiting.splice(0)) image.reject(this.#stopped);
  }

  /** Kills all processes. */
  async end(): Promise<void> {
    await this.#endRunning();
    await Promise.allSettled(this.#starting);
    await this.#endRunning();
  }

  async #endRunning(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.#end(child)));
  }

  async #end(child: Child): Promise<void> {
    await child.end();
    this.#running.delete(child);
  }

  /** A failed start is reported to the images that wait. */
  #startOne(): void {
    const start = this.#options.startChild().then(
      (child) => {
        this.#starting.delete(start);
        this.#running.add(child);
        this.#members.add(child);
        this.#offer(child);
      },
      (error: unknown) => {
        this.#starting.delete(start);
        for (const image of this.#waiting.splice(0)) image.reject(error);
        throw error;
      },
    );
    this.#starting.add(start);
    start.catch((error: unknown) =>
      this.#options.log.warn({ reason: messageOf(error) }, 'cannot start a process'),
    );
  }

  #replaceMissing(): void {
    this.fill().catch(() => undefined); // logged, and reported to the images that wait
  }

  #offer(child: Child): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(child);
    else next.resolve(child);
  }

  #retire(child: Child): void {
    this.#options.log.debug({ pid: child.pid, images: child.imagesDone }, 'image process replaced');
    this.#members.delete(child);
    this.#replaceMissing();
    void this.#end(child);
  }
}
