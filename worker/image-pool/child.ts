import { fork, type ChildProcess } from 'node:child_process';
import { Writable } from 'node:stream';
import { PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import type { EngineName } from '../engine/engine.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import {
  IMAGE_PIPE,
  MEMORY_EXCEEDED_SIGNAL,
  type ChildMessage,
  type Failure,
  type TaskMessage,
} from './messages.ts';

export interface ChildOptions {
  /** The module that the child runs; it calls `serveTasks`. */
  readonly program: URL;
  readonly engine: EngineName;
  /** The deadline for one image, in milliseconds. */
  readonly deadlineMs: number;
  /** The limit of the child's resident memory, in bytes. */
  readonly memoryLimitBytes: number;
}

/** The deadline for a child to get ready, in milliseconds. */
const START_DEADLINE_MS = 30_000;
const MIB = 1024 * 1024;
/**
 * A process that reads untrusted files must not see the other variables: they include passwords.
 */
const INHERITED_VARIABLES = ['TMPDIR', 'LD_LIBRARY_PATH'];

/** A child process that processes one image at a time. */
export class Child {
  readonly #options: ChildOptions;
  readonly #process: ChildProcess;
  /** Its end of the pipe for the bytes of images. */
  readonly #images: Writable;
  readonly #gone = Promise.withResolvers<undefined>();
  #onMessage: (message: ChildMessage) => void = () => undefined;
  #alive = true;
  #late = false;
  #imagesDone = 0;
  #memoryBytes = 0;

  /** @throws TransientFailure `engine_crashed` if the child does not get ready */
  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options);
    try {
      await child.#nextMessage(START_DEADLINE_MS);
    } catch (error) {
      throw new TransientFailure('engine_crashed', 'The image process did not start.', { cause: error });
    }
    return child;
  }

  private constructor(options: ChildOptions) {
    this.#options = options;
    this.#process = forkProgram(options);
    const images = this.#process.stdio[IMAGE_PIPE];
    if (!(images instanceof Writable)) throw new Error('the child process has no pipe for images');
    this.#images = images.on('error', () => undefined); // the child has exited, which is handled below
    this.#process.on('message', (message: ChildMessage) => this.#onMessage(message));
    this.#process.once('exit', () => this.#onExit());
    this.#process.on('error', () => {
      // It could not be started, or a message could not be sent.
      if (this.#process.pid === undefined) this.#onExit();
      else this.#process.kill('SIGKILL');
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
   * @throws PermanentFailure or TransientFailure with the code, message and details that the child threw; or,
   *   once the child has exited, TransientFailure `deadline_exceeded`, `memory_exceeded` or `engine_crashed`
   */
  async run(task: ImageTask): Promise<ProcessedImage> {
    if (this.#alive) this.#send(task);
    const message = await this.#nextMessage(this.#options.deadlineMs);
    if (message.kind === 'ready') throw new Error('the child process sent `ready` twice');
    this.#imagesDone += 1;
    this.#memoryBytes = message.memoryBytes;
    if (message.kind === 'failed') throw asError(message.failure);
    return message.image;
  }

  #send({ bytes, ...task }: ImageTask): void {
    const message: TaskMessage = { ...task, size: bytes.length };
    this.#process.send(message);
    this.#images.write(bytes);
  }

  /** Kills the process; resolves when it has exited. */
  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone.promise;
  }

  /** The next message of the child. Kills the child if that takes too long. */
  async #nextMessage(deadlineMs: number): Promise<ChildMessage> {
    const heard = Promise.withResolvers<ChildMessage>();
    this.#onMessage = heard.resolve;
    const timer = setTimeout(() => {
      this.#late = true;
      this.#process.kill('SIGKILL');
    }, deadlineMs);
    const message = await Promise.race([heard.promise, this.#gone.promise]);
    clearTimeout(timer);
    if (message === undefined) throw this.#causeOfDeath();
    return message;
  }

  #onExit(): void {
    this.#alive = false;
    this.#gone.resolve(undefined);
  }

  #causeOfDeath(): TransientFailure {
    const { deadlineMs, memoryLimitBytes } = this.#options;
    const { exitCode, signalCode } = this.#process;
    if (this.#late) {
      const details = { limit: deadlineMs };
      return new TransientFailure(
        'deadline_exceeded',
        `Processing the image took longer than ${deadlineMs} ms.`,
        {
          details,
        },
      );
    }
    if (signalCode === MEMORY_EXCEEDED_SIGNAL) {
      const details = { limit: memoryLimitBytes };
      const message = `Processing the image took more than ${Math.round(memoryLimitBytes / MIB)} MiB of memory.`;
      return new TransientFailure('memory_exceeded', message, { details });
    }
    const details = { exit_code: exitCode, signal: signalCode };
    return new TransientFailure('engine_crashed', 'The image process crashed.', { details });
  }
}

function forkProgram({ program, engine, memoryLimitBytes }: ChildOptions): ChildProcess {
  return fork(program, [String(memoryLimitBytes), engine], {
    serialization: 'advanced', // results are binary
    execArgv: [`--max-old-space-size=${Math.ceil(memoryLimitBytes / MIB)}`],
    env: Object.fromEntries(INHERITED_VARIABLES.map((name) => [name, process.env[name]])),
    stdio: ['ignore', process.stderr, process.stderr, 'ipc', 'pipe'],
  });
}

function asError({ permanent, code, message, details, cause }: Failure): Error {
  return new (permanent ? PermanentFailure : TransientFailure)(code, message, { details, cause });
}
