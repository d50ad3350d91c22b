import { randomUUID } from 'node:crypto';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { TransientFailure, messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { EngineName } from '../engine/engine.ts';
import { defaultImageLimits, type ImageLimits } from '../engine/image-limits.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import { Child } from './child.ts';
import { SlowLane } from './slow-lane.ts';

export interface ImagePoolOptions {
  /** The number of images processed at once. */
  readonly slots: number;
  readonly engine?: EngineName;
  /** The deadline for one image, in milliseconds, a third of it for decoding; then its process is killed. */
  readonly deadlineMs?: number;
  /** The limit of a process's resident memory, in bytes; above it the process is killed. */
  readonly memoryLimitBytes?: number;
  /** The number of images after which a process is replaced. */
  readonly recycleAfter?: number;
  readonly limits?: ImageLimits;
  /** Shared with the caller, who may enter it first. */
  readonly slowLane?: SlowLane;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** The module that children run instead of the image engine. */
  readonly program?: URL;
}

/**
 * Processes images in child processes, so that a crash, hang or leak affects one image only.
 */
export interface ImagePool extends Startable {
  /**
   * Starts all child processes, so that no image waits for one to start.
   * @throws TransientFailure `engine_crashed` if one does not start
   */
  start(): Promise<void>;
  /**
   * Processes an image in the next free process; waits while all are busy. A slow image must enter the slow lane.
   * @param options.attempt what enters the slow lane, if the caller has not entered it already
   * @param options.log of the job that the image belongs to
   * @throws PermanentFailure as `processImage` throws it; TransientFailure `slow_image` (the slow
   *   lane is taken), `deadline_exceeded`, `memory_exceeded`, `engine_crashed` or `processing_failed` (an unexpected error)
   */
  process(
    task: Omit<ImageTask, 'limits'>,
    options?: { readonly attempt?: string; readonly log?: ImagePoolOptions['log'] },
  ): Promise<ProcessedImage>;
  /** Crashes the process of the next image, so that people can see what becomes of its job. */
  crashNext(): void;
  /** Whether the next image will crash its process. */
  readonly willCrash: boolean;
  /**
   * Waits for the images in progress, rejects the waiting ones, and ends all processes.
   * @param patienceMs how long to wait for those in progress; then their processes are killed
   */
  stop(patienceMs?: number): Promise<void>;
}

const MIB = 1024 * 1024;
const NEVER_MS = 2 ** 31 - 1;

/** A process that keeps more of its memory limit than this after an image is replaced. */
const RESTING_MEMORY = 0.6;

/**
 * A process is replaced as soon as it is known that it cannot take another image, so that no image waits for a process
 * to start. One that gets a lower priority for a slow image is killed after that image, and replaced before: if at most
 * as many images as slots are processed at once, the additional process stays idle, with the memory it started with.
 */
export function createImagePool(options: ImagePoolOptions): ImagePool {
  const {
    slots,
    engine = 'jimp',
    deadlineMs = 30_000,
    memoryLimitBytes = 1024 * MIB,
    recycleAfter = 5_000,
    limits = defaultImageLimits,
    slowLane = new SlowLane(),
    program = new URL('engine-child.ts', import.meta.url),
  } = options;
  /** Those that will take another image; with `starting`, as many as slots. */
  const members = new Set<Child>();
  const starting = new Set<Promise<void>>();
  const idle: Child[] = [];
  const waiting: PromiseWithResolvers<Child>[] = [];
  const inProgress = new Set<Promise<ProcessedImage>>();
  const running = new Set<Child>();
  let started: Promise<void> | undefined;
  let willCrash = false;
  let stopping: Promise<void> | undefined;

  /** Starts the processes that are missing. A failed start is reported to the images that wait. */
  function fill(): void {
    while (stopping === undefined && members.size + starting.size < slots) {
      const start = Child.start({ program, engine, deadlineMs, memoryLimitBytes }).then(
        (child) => {
          starting.delete(start);
          running.add(child);
          members.add(child);
          offer(child);
        },
        (error: unknown) => {
          starting.delete(start);
          for (const image of waiting.splice(0)) image.reject(error);
          throw error;
        },
      );
      starting.add(start);
      start.catch((error: unknown) =>
        options.log.warn({ reason: messageOf(error) }, 'cannot start a process'),
      );
    }
  }

  function offer(child: Child): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(child);
    else next.resolve(child);
  }

  function replace(child: Child): void {
    if (members.delete(child)) fill();
  }

  /**
   * Takes the idle process with the most memory, so that one that has not processed an image stays small.
   * @throws TransientFailure `engine_crashed` if there is no process and none can be started
   */
  function acquire(): Promise<Child> {
    idle.sort((one, other) => one.memoryBytes - other.memoryBytes);
    for (let child = idle.pop(); child !== undefined; child = idle.pop()) {
      if (child.alive) return Promise.resolve(child);
      running.delete(child);
      replace(child);
    }
    fill();
    const image = Promise.withResolvers<Child>();
    waiting.push(image);
    return image.promise;
  }

  function isFit(child: Child): boolean {
    const { alive, imagesDone, memoryBytes } = child;
    const isReady = members.has(child) && alive;
    return isReady && imagesDone < recycleAfter && memoryBytes < memoryLimitBytes * RESTING_MEMORY;
  }

  async function processNext(
    task: Omit<ImageTask, 'limits'>,
    attempt: string,
    log: ImagePoolOptions['log'],
  ): Promise<ProcessedImage> {
    const child = await acquire();
    try {
      const processed = child.run({ ...task, limits }, slowLane, attempt, () => replace(child));
      if (willCrash) child.crash();
      willCrash = false;
      return await processed;
    } catch (error) {
      if (!child.alive) log.warn({ pid: child.pid, reason: messageOf(error) }, 'image process exited');
      throw error;
    } finally {
      slowLane.leave(attempt);
      if (isFit(child)) offer(child);
      else {
        log.debug({ pid: child.pid, images: child.imagesDone }, 'image process replaced');
        replace(child);
        void child.end().then(() => running.delete(child));
      }
    }
  }

  async function stop(patienceMs: number): Promise<void> {
    const stopped = new TransientFailure('engine_crashed', 'The image pool has stopped.');
    for (const image of waiting.splice(0)) image.reject(stopped);
    const endAll = () => Promise.all([...running].map((child) => child.end()));
    const impatient = setTimeout(() => void endAll(), patienceMs);
    await Promise.allSettled([...starting, ...inProgress]);
    clearTimeout(impatient);
    await endAll();
  }

  const process: ImagePool['process'] = async (task, { attempt = randomUUID(), log = options.log } = {}) => {
    if (stopping !== undefined) throw new TransientFailure('engine_crashed', 'The image pool has stopped.');
    const image = processNext(task, attempt, log);
    inProgress.add(image);
    try {
      return await image;
    } finally {
      inProgress.delete(image);
    }
  };

  return {
    start: () => {
      fill();
      return (started ??= Promise.all(starting).then(() => undefined));
    },
    process,
    crashNext: () => {
      willCrash = true;
    },
    get willCrash() {
      return willCrash;
    },
    stop: (patienceMs = NEVER_MS) => (stopping ??= stop(patienceMs)),
  };
}
