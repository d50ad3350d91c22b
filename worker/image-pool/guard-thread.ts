import { setInterval } from 'node:timers';
import { workerData } from 'node:worker_threads';
import { MEMORY_EXCEEDED_SIGNAL } from './messages.ts';

/**
 * A thread beside the one that processes images, which may hang in a loop or allocate memory faster than it can
 * check. This one kills the whole process when it exceeds its memory limit, or when the parent has died: a hanging
 * child would not notice, and run forever.
 */
export interface GuardSettings {
  /** The limit of the process's resident memory, in bytes. */
  readonly memoryLimitBytes: number;
  readonly parent: number;
}

const INTERVAL_MS = 50;

const { memoryLimitBytes, parent } = workerData as GuardSettings;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() > memoryLimitBytes) process.kill(process.pid, MEMORY_EXCEEDED_SIGNAL);
}, INTERVAL_MS);
