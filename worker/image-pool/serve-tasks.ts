import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { PermanentFailure, PipelineError, messageOf } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';
import type { GuardSettings } from './guard-thread.ts';
import type { ChildMessage, Failure } from './messages.ts';

type Work = (task: ImageTask) => Promise<ProcessedImage>;

/**
 * The child's side: gets ready, then processes one task after another until the parent disconnects. It ignores signals
 * to the terminal's process group: the parent ends its children itself.
 */
export async function serveTasks(prepare: () => Promise<Work>): Promise<void> {
  process.on('SIGINT', ignore).on('SIGTERM', ignore);
  process.once('disconnect', () => process.exit());
  await startGuard({ memoryLimitBytes: Number(process.argv[2]), parent: process.ppid });

  const work = await prepare();
  process.on('message', (task: ImageTask) => void answer(work, task));
  send({ kind: 'ready' });
}

async function answer(work: Work, task: ImageTask): Promise<void> {
  try {
    const image = await work(task);
    send({ kind: 'done', image, memoryBytes: process.memoryUsage.rss() });
  } catch (error) {
    send({ kind: 'failed', failure: asFailure(error), memoryBytes: process.memoryUsage.rss() });
  }
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
