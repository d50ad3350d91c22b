import type { ChildProcess } from 'node:child_process';
import { Writable } from 'node:stream';
import { SLOW_IMAGE } from '@image-pipeline/shared/contracts/job-order.ts';
import { type ErrorCode, PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import { actAfter, startChildClock, startClock } from './child-clock.ts';
import { forkProgram, type ProgramOptions } from './child-rights.ts';
import {
  IMAGE_PIPE,
  MEMORY_EXCEEDED_SIGNAL,
  type ChildMessage,
  type Failure,
  type ResultMessage,
  type TaskMessage,
} from './messages.ts';
import type { UsualTimes } from './usual-times.ts';

export interface ChildOptions extends ProgramOptions {
  /** The deadline for one image, in milliseconds; decoding has a third of it. With a low priority, see `startChildClock`. */
  readonly deadlineMs: number;
}

/** The deadline for a child to get ready, in milliseconds. */
const START_DEADLINE_MS = 30_000;
const MIB = 1024 * 1024;
/** An image must be decoded within this part of the deadline. */
const DECODE_PART = 1 / 3;
/** An image that is still being decoded after this part of the deadline is slow in any case. */
const SLOW_PART = 1 / 9;

/** A child process that processes one image at a time. */
export class Child {
  readonly #options: ChildOptions;
  readonly #process: ChildProcess;
  /** Its end of the pipe for the bytes of images. */
  readonly #images: Writable;
  readonly #gone = Promise.withResolvers<undefined>();
  /** Waits for the next message, or for the exit. */
  #expected: PromiseWithResolvers<ResultMessage | undefined> | undefined;
  #alive = true;
  #hasExited = false;
  #isDecoded = false;
  #onDecoded: (estimatedMs: number) => void = () => undefined;
  /** Why this process was killed here. */
  #killedBecause: TransientFailure | undefined;
  #imagesDone = 0;
  #memoryBytes = 0;

  /** @throws TransientFailure `engine_crashed` if the child does not get ready */
  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options);
    const stopTimer = child.#killAfter(
      child.#startClock(),
      START_DEADLINE_MS,
      () => 'Starting took too long.',
    );
    try {
      await child.#nextMessage();
    } catch (error) {
      throw new TransientFailure('engine_crashed', 'The image process did not start.', { cause: error });
    } finally {
      stopTimer();
    }
    return child;
  }

  private constructor(options: ChildOptions) {
    this.#options = options;
    this.#process = forkProgram(options);
    const images = this.#process.stdio[IMAGE_PIPE];
    if (!(images instanceof Writable)) throw new Error('the child process has no pipe for images');
    this.#images = images.on('error', () => undefined); // the child has exited, which is handled below
    this.#process.on('message', (message: ChildMessage) => {
      if (message.kind === 'decoded') this.#onDecoded(message.estimatedMs);
      else this.#expected?.resolve(message);
    });
    this.#process.once('exit', () => this.#onExit());
    this.#process.on('error', () => {
      // It could not be started, or a message could not be sent.
      if (this.#process.pid === undefined) this.#onExit();
      else this.#kill();
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Images processed so far, failed ones included. */
  get imagesDone(): number {
    return this.#imagesDone;
  }

  /** Resident memory after the last image, in bytes. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /**
   * A process without a low priority refuses a slow image: it is not started, or the process is killed while it decodes it.
   * @param usual what decides which image is slow; an ordinary process adds to it
   * @throws PermanentFailure or TransientFailure with the code, message and details that the child threw; TransientFailure
   *   `slow_image`; or, once the child has exited, TransientFailure `deadline_exceeded`, `memory_exceeded` or `engine_crashed`
   */
  async run(task: ImageTask, usual: UsualTimes): Promise<ProcessedImage> {
    const { deadlineMs, hasLowPriority } = this.#options;
    const clock = this.#startClock();
    const maxEstimateMs = hasLowPriority ? Infinity : usual.maxEstimateMs;
    this.#isDecoded = false;
    this.#onDecoded = (estimatedMs) => {
      this.#isDecoded = true;
      if (hasLowPriority) return;
      usual.decoded(clock());
      usual.estimated(estimatedMs);
    };
    if (this.#alive) this.#sendTask(task, maxEstimateMs);
    const timers = [
      ...(hasLowPriority ? [] : [this.#refuseSlow(clock, usual)]),
      this.#killAfter(clock, deadlineMs * DECODE_PART, (limit) =>
        this.#isDecoded
          ? undefined
          : `Decoding the image took longer than ${limit}, a third of JOB_TIMEOUT_MS.`,
      ),
      this.#killAfter(
        clock,
        deadlineMs,
        (limit) => `Processing the image took longer than ${limit} (JOB_TIMEOUT_MS).`,
      ),
    ];
    try {
      const message = await this.#nextMessage();
      if (message.kind === 'ready') throw new Error('the child process sent `ready` twice');
      this.#imagesDone += 1;
      this.#memoryBytes = message.memoryBytes;
      if (message.kind === 'not started') {
        usual.estimated(message.estimatedMs);
        throw notStarted(message.estimatedMs, maxEstimateMs);
      }
      if (message.kind === 'failed') throw asError(message.failure);
      return message.image;
    } finally {
      for (const stop of timers) stop();
    }
  }

  #startClock(): () => number {
    return this.#options.hasLowPriority ? startChildClock(this.pid) : startClock();
  }

  /** Kills the process if decoding takes so long that the image is slow. @returns how to cancel it */
  #refuseSlow(clock: () => number, usual: UsualTimes): () => void {
    return this.#killAfter(
      clock,
      Math.min(usual.maxDecodingMs, this.#options.deadlineMs * SLOW_PART),
      (limit) => {
        if (this.#isDecoded) return undefined;
        usual.decoded(clock());
        return `Decoding the image took longer than ${limit}.`;
      },
      SLOW_IMAGE,
    );
  }

  #sendTask({ bytes, ...task }: ImageTask, maxEstimateMs: number): void {
    this.#process.send({ ...task, size: bytes.length, maxEstimateMs } satisfies TaskMessage);
    this.#images.write(bytes);
  }

  /** Makes the process crash as if its native code had accessed memory that is not its own. */
  crash(): void {
    this.#kill('SIGSEGV');
  }

  /** Kills the process; resolves when it has exited. */
  async end(): Promise<void> {
    this.#kill();
    await this.#gone.promise;
  }

  /**
   * Kills the process after so many milliseconds by this clock, unless `reason` then returns none.
   * @param reason gets the limit as text
   * @returns how to cancel it
   */
  #killAfter(
    clock: () => number,
    milliseconds: number,
    reason: (limit: string) => string | undefined,
    code: ErrorCode = 'deadline_exceeded',
  ): () => void {
    const limit = Math.round(milliseconds);
    return actAfter(clock, limit, () => {
      const message = reason(`${limit} ms`);
      if (message === undefined) return;
      this.#killedBecause = new TransientFailure(code, message, { details: { limit } });
      this.#kill();
    });
  }

  /** It gets no other image, although it has not exited yet. */
  #kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#alive = false;
    this.#process.kill(signal);
  }

  async #nextMessage(): Promise<ResultMessage> {
    if (this.#hasExited) throw this.#causeOfDeath();
    // Not a race with `#gone`: that would keep every result, images included, as long as the process lives.
    this.#expected = Promise.withResolvers();
    const message = await this.#expected.promise;
    this.#expected = undefined;
    if (message === undefined) throw this.#causeOfDeath();
    return message;
  }

  #onExit(): void {
    this.#alive = false;
    this.#hasExited = true;
    this.#expected?.resolve(undefined);
    this.#gone.resolve(undefined);
  }

  #causeOfDeath(): TransientFailure {
    const { memoryLimitBytes } = this.#options;
    const { exitCode, signalCode } = this.#process;
    if (this.#killedBecause !== undefined) return this.#killedBecause;
    if (signalCode === MEMORY_EXCEEDED_SIGNAL) {
      const details = { limit: memoryLimitBytes };
      const message = `Processing the image took more than ${Math.round(memoryLimitBytes / MIB)} MiB of memory (JOB_MEMORY_MIB).`;
      return new TransientFailure('memory_exceeded', message, { details });
    }
    const details = { exit_code: exitCode, signal: signalCode };
    return new TransientFailure('engine_crashed', 'The image process crashed.', { details });
  }
}

function notStarted(estimatedMs: number, maxEstimateMs: number): TransientFailure {
  const [seen, limit] = [estimatedMs, maxEstimateMs].map(Math.round);
  const message = `Processing the image takes about ${seen} ms, longer than ${limit} ms.`;
  return new TransientFailure(SLOW_IMAGE, message, { details: { limit, seen } });
}

function asError({ permanent, code, message, details, cause }: Failure): Error {
  return new (permanent ? PermanentFailure : TransientFailure)(code, message, { details, cause });
}
