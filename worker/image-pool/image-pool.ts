import { randomUUID } from 'node:crypto';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { PipelineError, TransientFailure, messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { Pool } from 'tarn';
import type { EngineName } from '../engine/engine.ts';
import { defaultImageLimits, type ImageLimits } from '../engine/image-limits.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import { Child } from './child.ts';
import { SlowLane } from './slow-lane.ts';

export interface ImagePoolOptions {
  /** The number of child processes, and so of images processed at once. */
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
   * Processes an image in the next free process; waits while all are busy. An image that is decoded slowly must enter the
   * slow lane, or its process is killed.
   * @param options.attempt what enters the slow lane, if the caller has not entered it already
   * @param options.log of the job that the image belongs to
   * @throws PermanentFailure as `processImage` throws it; TransientFailure `deadline_exceeded`,
   *   `memory_exceeded`, `engine_crashed` or `processing_failed` (an unexpected error)
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
/**
 * A process that keeps more of its memory limit than this after an image is replaced.
 */
const RESTING_MEMORY = 0.6;

export function createImagePool(options: ImagePoolOptions): ImagePool {
  const {
    slots,
    engine = 'jimp',
    deadlineMs = 30_000,
    memoryLimitBytes = 1024 * MIB,
    recycleAfter = 500,
    limits = defaultImageLimits,
    slowLane = new SlowLane(),
    program = new URL('engine-child.ts', import.meta.url),
  } = options;
  const children = new Pool<Child>({
    min: slots,
    max: slots,
    create: () => Child.start({ program, engine, deadlineMs, memoryLimitBytes }),
    validate: isFit,
    destroy: (child) => child.end(),
    propagateCreateError: true,
    createTimeoutMillis: NEVER_MS, // a child has its own start deadline
    acquireTimeoutMillis: NEVER_MS, // every image that holds a slot has its own deadline
  });
  const atWork = new Set<Child>();
  let willCrash = false;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  function isFit(child: Child): boolean {
    const { alive, imagesDone, memoryBytes } = child;
    return alive && imagesDone < recycleAfter && memoryBytes < memoryLimitBytes * RESTING_MEMORY;
  }

  /** @throws TransientFailure `engine_crashed` if there is no process and none can be started */
  async function acquire(): Promise<Child> {
    try {
      return await children.acquire().promise;
    } catch (error) {
      if (error instanceof PipelineError) throw error;
      throw new TransientFailure('engine_crashed', 'No image process is available.', {
        cause: error,
      });
    }
  }

  async function start(): Promise<void> {
    const starts = await Promise.allSettled(Array.from({ length: slots }, acquire));
    for (const child of starts) if (child.status === 'fulfilled') children.release(child.value);
    const failed = starts.find((child) => child.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async function stop(patienceMs: number): Promise<void> {
    await starting?.catch(() => undefined);
    const impatient = setTimeout(() => {
      for (const child of atWork) void child.end();
    }, patienceMs);
    await children.destroy();
    clearTimeout(impatient);
  }

  const process: ImagePool['process'] = async (task, { attempt = randomUUID(), log = options.log } = {}) => {
    if (stopping !== undefined) throw new TransientFailure('engine_crashed', 'The image pool has stopped.');
    const child = await acquire();
    atWork.add(child);
    try {
      const processed = child.run({ ...task, limits }, slowLane, attempt);
      if (willCrash) child.crash();
      willCrash = false;
      return await processed;
    } catch (error) {
      if (!child.alive) log.warn({ pid: child.pid, reason: messageOf(error) }, 'image process exited');
      throw error;
    } finally {
      slowLane.leave(attempt);
      atWork.delete(child);
      const { pid, imagesDone: images } = child;
      if (!isFit(child)) log.debug({ pid, images }, 'image process replaced');
      children.release(child);
    }
  };

  return {
    start: () => (starting ??= start()),
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
