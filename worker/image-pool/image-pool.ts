import type { Logger } from '@image-pipeline/shared/log.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { EngineName } from '../engine/engine.ts';
import { defaultImageLimits, type ImageLimits } from '../engine/image-limits.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import { ChildGroup } from './child-group.ts';
import { Child } from './child.ts';
import { UsualTimes } from './usual-times.ts';

export interface ImagePoolOptions {
  /** The number of images processed at once, besides a slow one. */
  readonly slots: number;
  readonly engine?: EngineName;
  /**
   * The deadline for one image, in milliseconds, a third of it for decoding; then its process is killed. For a slow image, see
   * `startChildClock`.
   */
  readonly deadlineMs?: number;
  /** The limit of a process's resident memory, in bytes; above it the process is killed. */
  readonly memoryLimitBytes?: number;
  /** The number of images after which a process is replaced. */
  readonly recycleAfter?: number;
  readonly limits?: ImageLimits;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** The module that children run instead of the image engine. */
  readonly program?: URL;
}

/**
 * Processes images in child processes, so that a crash, hang or leak affects one image only.
 */
export interface ImagePool extends Startable {
  /**
   * Starts all child processes, so that no image waits for one to start, except for that of slow images: many systems never
   * have one.
   * @throws TransientFailure `engine_crashed` if one does not start
   */
  start(): Promise<void>;
  /**
   * Processes an image in the next free process; waits while all are busy. Slow images have a process of their own, at a lower
   * CPU priority: they neither take the slot of an ordinary one nor most of its CPU time.
   * @param options.isSlow whether it is processed there; otherwise an image that turns out to be slow is refused
   * @param options.log of the job that the image belongs to
   * @throws PermanentFailure as `processImage` throws it; TransientFailure `slow_image` (it must be processed as a slow one),
   *   `deadline_exceeded`, `memory_exceeded`, `engine_crashed` or `processing_failed` (an unexpected error)
   */
  process(
    task: Omit<ImageTask, 'limits'>,
    options?: { readonly isSlow?: boolean; readonly log?: ImagePoolOptions['log'] },
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

export function createImagePool(options: ImagePoolOptions): ImagePool {
  const {
    slots,
    engine = 'jimp',
    deadlineMs = 30_000,
    memoryLimitBytes = 1024 * MIB,
    recycleAfter = 5_000,
    limits = defaultImageLimits,
    program = new URL('engine-child.ts', import.meta.url),
    log: ownLog,
  } = options;
  const groupOf = (size: number, hasLowPriority: boolean) =>
    new ChildGroup({
      size,
      startChild: () => Child.start({ program, engine, deadlineMs, memoryLimitBytes, hasLowPriority }),
      isFit: ({ imagesDone, memoryBytes }) =>
        imagesDone < recycleAfter && memoryBytes < memoryLimitBytes * RESTING_MEMORY,
      log: ownLog,
    });
  const ordinary = groupOf(slots, false);
  const slow = groupOf(1, true);
  const groups = [ordinary, slow];
  const usual = new UsualTimes();
  const inProgress = new Set<Promise<ProcessedImage>>();
  let started: Promise<void> | undefined;
  let willCrash = false;
  let stopping: Promise<void> | undefined;

  async function processIn(
    group: ChildGroup,
    task: Omit<ImageTask, 'limits'>,
    log: ImagePoolOptions['log'],
  ): Promise<ProcessedImage> {
    const child = await group.acquire();
    try {
      const processed = child.run({ ...task, limits }, usual);
      if (willCrash) child.crash();
      willCrash = false;
      return await processed;
    } catch (error) {
      if (!child.alive) log.warn({ pid: child.pid, reason: messageOf(error) }, 'image process exited');
      throw error;
    } finally {
      group.release(child);
    }
  }

  async function stop(patienceMs: number): Promise<void> {
    for (const group of groups) group.close();
    const endAll = () => Promise.all(groups.map((group) => group.end()));
    const impatient = setTimeout(() => void endAll(), patienceMs);
    await Promise.allSettled(inProgress);
    clearTimeout(impatient);
    await endAll();
  }

  return {
    start: () => (started ??= ordinary.fill()),
    process: (task, { isSlow = false, log = ownLog } = {}) => {
      const processed = processIn(isSlow ? slow : ordinary, task, log).finally(() =>
        inProgress.delete(processed),
      );
      inProgress.add(processed);
      return processed;
    },
    crashNext: () => {
      willCrash = true;
    },
    get willCrash() {
      return willCrash;
    },
    stop: (patienceMs = NEVER_MS) => (stopping ??= stop(patienceMs)),
  };
}
