import { fork, type ChildProcess } from 'node:child_process';
import { PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import { MEMORY_EXCEEDED_SIGNAL, type ChildMessage, type Failure } from './messages.ts';

export interface ChildOptions {
  /** The module that the child runs; it calls `serveTasks`. */
  readonly program: URL;
  /** Milliseconds that the work on one image may take. */
  readonly deadlineMs: number;
  /** Resident memory that the child may take, in bytes. */
  readonly memoryLimitBytes: number;
}

/** Milliseconds that a child may take until it is ready. */
const START_DEADLINE_MS = 30_000;
const MIB = 1024 * 1024;
/**
 * A process that reads strangers' files has no use for the other variables: there are passwords among them.
 */
const INHERITED_VARIABLES = ['TMPDIR', 'LD_LIBRARY_PATH'];

/** A child process, which works on one image at a time. */
export class Child {
  readonly #options: ChildOptions;
  readonly #process: ChildProcess;
  readonly #gone = Promise.withResolvers<undefined>();
  #hear: (message: ChildMessage) => void = () => undefined;
  #alive = true;
  #late = false;
  #imagesDone = 0;
  #memoryBytes = 0;

  /** @throws TransientFailure `engine_crashed` if the child does not get ready */
  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options);
    try {
      await child.#answer(START_DEADLINE_MS);
    } catch (error) {
      throw new TransientFailure('engine_crashed', 'A process for images did not start.', { cause: error });
    }
    return child;
  }

  private constructor(options: ChildOptions) {
    this.#options = options;
    this.#process = forkProgram(options);
    this.#process.on('message', (message: ChildMessage) => this.#hear(message));
    this.#process.once('exit', () => this.#bury());
    this.#process.on('error', () => {
      // It could not be started, or it cannot be talked to.
      if (this.#process.pid === undefined) this.#bury();
      else this.#process.kill('SIGKILL');
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Images that it was done with, for good or ill. */
  get imagesDone(): number {
    return this.#imagesDone;
  }

  /** Resident memory after the last image, in bytes. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /**
   * @throws PermanentFailure or TransientFailure with the code, message and details that the child threw; or,
   *   once the child is gone, TransientFailure `deadline_exceeded`, `memory_exceeded` or `engine_crashed`
   */
  async run(task: ImageTask): Promise<ProcessedImage> {
    if (this.#alive) this.#process.send(task);
    const message = await this.#answer(this.#options.deadlineMs);
    if (message.kind === 'ready') throw new Error('a child process said twice that it is ready');
    this.#imagesDone += 1;
    this.#memoryBytes = message.memoryBytes;
    if (message.kind === 'failed') throw asError(message.failure);
    return message.image;
  }

  /** Ends the process, whatever it is doing; resolves when it is gone. */
  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone.promise;
  }

  /** What the child says next. Kills it if that takes too long. */
  async #answer(deadlineMs: number): Promise<ChildMessage> {
    const heard = Promise.withResolvers<ChildMessage>();
    this.#hear = heard.resolve;
    const timer = setTimeout(() => {
      this.#late = true;
      this.#process.kill('SIGKILL');
    }, deadlineMs);
    const message = await Promise.race([heard.promise, this.#gone.promise]);
    clearTimeout(timer);
    if (message === undefined) throw this.#causeOfDeath();
    return message;
  }

  #bury(): void {
    this.#alive = false;
    this.#gone.resolve(undefined);
  }

  #causeOfDeath(): TransientFailure {
    const { deadlineMs, memoryLimitBytes } = this.#options;
    const { exitCode, signalCode } = this.#process;
    if (this.#late) {
      const details = { limit: deadlineMs };
      return new TransientFailure('deadline_exceeded', `The image took longer than ${deadlineMs} ms.`, {
        details,
      });
    }
    if (signalCode === MEMORY_EXCEEDED_SIGNAL) {
      const details = { limit: memoryLimitBytes };
      const message = `The image took more than ${Math.round(memoryLimitBytes / MIB)} MiB of memory.`;
      return new TransientFailure('memory_exceeded', message, { details });
    }
    const details = { exit_code: exitCode, signal: signalCode };
    return new TransientFailure('engine_crashed', 'The process that worked on the image died.', { details });
  }
}

function forkProgram({ program, memoryLimitBytes }: ChildOptions): ChildProcess {
  return fork(program, [String(memoryLimitBytes)], {
    serialization: 'advanced', // JSON would make seconds of megabytes
    execArgv: [`--max-old-space-size=${Math.ceil(memoryLimitBytes / MIB)}`],
    env: Object.fromEntries(INHERITED_VARIABLES.map((name) => [name, process.env[name]])),
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
  });
}

function asError({ permanent, code, message, details, cause }: Failure): Error {
  return new (permanent ? PermanentFailure : TransientFailure)(code, message, { details, cause });
}
