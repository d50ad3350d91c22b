import { once } from 'node:events';
import { readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { PermanentFailure, PipelineError, messageOf } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage, Progress } from '../processors/process-image.ts';
import type { GuardSettings } from './guard-thread.ts';
import { IMAGE_PIPE, type ChildMessage, type Failure, type TaskMessage } from './messages.ts';

type Work = (task: ImageTask, progress: Progress) => Promise<ProcessedImage>;

/**
 * The child's side: gets ready, then processes one task after another until the parent disconnects. It ignores signals
 * to the terminal's process group: the parent ends its children itself.
 */
export async function serveTasks(prepare: () => Promise<Work>): Promise<void> {
  process.on('SIGINT', ignore).on('SIGTERM', ignore);
  process.once('disconnect', () => process.exit());
  await startGuard({ memoryLimitBytes: Number(process.argv[2]), parent: process.ppid });

  const work = await prepare();
  process.on('message', (task: TaskMessage) => void handle(work, task));
  send({ kind: 'ready' });
}

async function handle(work: Work, { size, maxEstimateMs, ...task }: TaskMessage): Promise<void> {
  let estimatedMs = 0;
  const progress: Progress = {
    onPlanned: (ms) => {
      estimatedMs = ms;
      if (ms > maxEstimateMs) throw new Error('not started');
    },
    onDecoded: () => send({ kind: 'decoded', estimatedMs }),
  };
  try {
    const image = await work({ ...task, bytes: readImage(size) }, progress);
    send({ kind: 'done', image, memoryBytes: process.memoryUsage.rss() });
  } catch (error) {
    const memoryBytes = process.memoryUsage.rss();
    if (estimatedMs > maxEstimateMs) send({ kind: 'not started', estimatedMs, memoryBytes });
    else send({ kind: 'failed', failure: asFailure(error), memoryBytes });
  }
}

/** Waits for all of it: there is nothing else to do, and the guard thread ends the process if the parent has died. */
function readImage(size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size;) {
    const read = readSync(IMAGE_PIPE, bytes, at, size - at, null);
    if (read === 0) throw new Error('the parent closed the pipe');
    at += read;
  }
  return bytes;
}

function asFailure(error: unknown): Failure {
  const message = messageOf(error);
  if (error instanceof PipelineError) {
    const { code, details, cause } = error;
    const permanent = error instanceof PermanentFailure;
    return { permanent, code, message, details, cause: cause === undefined ? undefined : messageOf(cause) };
  }
  const cause = error instanceof Error ? error.stack : undefined;
  return { permanent: false, code: 'processing_failed', message, details: {}, cause };
}

async function startGuard(settings: GuardSettings): Promise<void> {
  const guard = new Worker(new URL('guard-thread.ts', import.meta.url), { workerData: settings });
  await once(guard, 'online');
  guard.unref();
}

function send(message: ChildMessage): void {
  process.send?.(message);
}

function ignore(): void {
  // The parent decides.
}
