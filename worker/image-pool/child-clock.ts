import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second. */
const TICK_MS = 10;
/** How much slower than real time the clock can be: a process may also hang without using the CPU. */
export const SLOWEST = 5;

/** Starts a clock that shows the elapsed milliseconds. */
export function startClock(): () => number {
  const startedAt = performance.now();
  return () => performance.now() - startedAt;
}

/**
 * Starts a clock for a process that has to leave the CPU to others: it shows the milliseconds that the process was able to work,
 * which is its CPU time, at least a fifth of the elapsed time and at most all of it. Where the system has no `/proc`, it is that
 * fifth.
 */
export function startChildClock(pid: number | undefined): () => number {
  const clock = startClock();
  const usedBefore = cpuMsOf(pid);
  return () => {
    const elapsed = clock();
    return Math.min(elapsed, Math.max(elapsed / SLOWEST, cpuMsOf(pid) - usedBefore));
  };
}

/**
 * Calls `act` after so many milliseconds by this clock.
 * @returns how to cancel it
 */
export function actAfter(clock: () => number, milliseconds: number, act: () => void): () => void {
  const onTime = () => {
    const left = milliseconds - clock();
    if (left <= 0) act();
    else timer = setTimeout(onTime, left);
  };
  let timer = setTimeout(onTime, milliseconds);
  return () => clearTimeout(timer);
}

/** All threads of the process, see proc_pid_stat(5). 0 if it is not known. */
function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
    return ((user ?? 0) + (system ?? 0)) * TICK_MS;
  } catch {
    return 0; // it has exited
  }
}
