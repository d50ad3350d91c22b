import { setInterval } from 'node:timers';
import { workerData } from 'node:worker_threads';
import { MEMORY_EXCEEDED_SIGNAL } from './messages.ts';

/**
 * A thread beside the one that works on images. That one may hang in a loop or eat memory faster than it
 * comes to look; this one ends the whole process when it takes too much memory, or when the parent is gone: a
 * child that hangs would not notice, and work on for ever.
 */
export interface GuardSettings {
  /** Resident memory of the process, in bytes. */
  readonly memoryLimitBytes: number;
  readonly parent: number;
}

const INTERVAL_MS = 50;

const { memoryLimitBytes, parent } = workerData as GuardSettings;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() > memoryLimitBytes) process.kill(process.pid, MEMORY_EXCEEDED_SIGNAL);
}, INTERVAL_MS);
