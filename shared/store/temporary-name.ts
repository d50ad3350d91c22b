import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isRunning } from '../is-running.ts';

/** Followed by the process id of the writer. A host name may hold what a file name may not. */
const OURS = `${encodeURIComponent(hostname())}@`;

/** The name of a file that this process is writing, which tells others whose it is. */
export function temporaryName(): string {
  return `${OURS}${process.pid}@${randomUUID()}`;
}

/**
 * Whether a temporary file was left by a process of this machine that is gone. False of what another machine (or
 * container) writes, of what has no such name, and where the process id has been given to somebody else.
 */
export function isLeftByTheDead(name: string): boolean {
  if (!name.startsWith(OURS)) return false;
  const writer = Number.parseInt(name.slice(OURS.length), 10);
  return Number.isSafeInteger(writer) && writer > 0 && !isRunning(writer);
}
