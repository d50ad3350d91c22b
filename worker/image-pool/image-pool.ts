import { randomUUID } from 'node:crypto';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { TransientFailure, messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import PQueue from 'p-queue';
import type { EngineName } from '../engine/engine.ts';
import { defaultImageLimits, type ImageLimits } from '../engine/image-limits.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import { ChildGroup } from './child-group.ts';
import { Child, EstimateExceeded } from './child.ts';
import { SLOW_ESTIMATE_MS, SlowLane } from './slow-lane.ts';

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
   * Processes an image in the next free process; waits while all are busy. A slow image must enter the slow lane. One that is
   * estimated to take longer than most also enters it, if it is free. Both are processed at a lower CPU priority.
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
/** While there is one process more than slots, one that is idle must not keep more memory than this. */
const SPARE_BYTES = 256 * MIB;

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
    log: ownLog,
  } = options;
  const groupOf = (size: number, hasLowPriority: boolean, mostBytes: number) =>
    new ChildGroup({
      size,
      startChild: () => Child.start({ program, engine, deadlineMs, memoryLimitBytes, hasLowPriority }),
      isFit: ({ imagesDone, memoryBytes }) => imagesDone < recycleAfter && memoryBytes < mostBytes,
      log: ownLog,
    });
  const restingBytes = memoryLimitBytes * RESTING_MEMORY;
  const ordinary = groupOf(slots, false, restingBytes);
  /** Its process is started for the first image that needs it. */
  const lowPriority = groupOf(1, true, Math.min(SPARE_BYTES, restingBytes));
  const groups = [ordinary, lowPriority];
  const inProgress = new PQueue({ concurrency: slots });
  let started: Promise<void> | undefined;
  let willCrash = false;
  let stopping: Promise<void> | undefined;

  async function processNext(
    task: Omit<ImageTask, 'limits'>,
    attempt: string,
    log: ImagePoolOptions['log'],
  ): Promise<ProcessedImage> {
    const processIn = async (group: ChildGroup, maxEstimateMs: number) => {
      const child = await group.acquire();
      try {
        const processed = child.run({ ...task, limits }, { slowLane, attempt, maxEstimateMs });
        if (willCrash) child.crash();
        willCrash = false;
        return await processed;
      } catch (error) {
        if (!child.alive) log.warn({ pid: child.pid, reason: messageOf(error) }, 'image process exited');
        throw error;
      } finally {
        group.release(child);
      }
    };
    try {
      return await processIn(ordinary, slowLane.longEstimateMs);
    } catch (error) {
      if (!(error instanceof EstimateExceeded)) throw error;
      return await processIn(groupFor(error.estimatedMs, attempt), Infinity);
    } finally {
      slowLane.leave(attempt);
    }
  }

  /** @throws TransientFailure `slow_image` */
  function groupFor(estimatedMs: number, attempt: string): ChildGroup {
    if (!slowLane.enter(attempt)) {
      if (estimatedMs <= SLOW_ESTIMATE_MS) return ordinary;
      const message = `Processing the image takes about ${Math.round(estimatedMs)} ms, and another slow image is being processed or is next.`;
      throw new TransientFailure('slow_image', message, {
        details: { limit: SLOW_ESTIMATE_MS, seen: estimatedMs },
      });
    }
    ordinary.replaceLargerThan(SPARE_BYTES);
    return lowPriority;
  }

  async function stop(patienceMs: number): Promise<void> {
    for (const group of groups) group.close();
    const endAll = () => Promise.all(groups.map((group) => group.end()));
    const impatient = setTimeout(() => void endAll(), patienceMs);
    await inProgress.onIdle();
    clearTimeout(impatient);
    await endAll();
  }

  return {
    start: () => (started ??= ordinary.fill()),
    process: (task, { attempt = randomUUID(), log = ownLog } = {}) =>
      inProgress.add(() => processNext(task, attempt, log)),
    crashNext: () => {
      willCrash = true;
    },
    get willCrash() {
      return willCrash;
    },
    stop: (patienceMs = NEVER_MS) => (stopping ??= stop(patienceMs)),
  };
}
