import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { z } from 'zod';

const POLL_MS = 50;
const KILL_MS = 5_000;

/**
 * A process that another command can recognize later. Process ids are reused; the id together with the start time
 * belongs to one process only, so a process in our notes can be killed without the risk of killing a stranger.
 */
export const processIdentitySchema = z.strictObject({
  pid: z.int().positive(),
  startedAt: z.string().min(1),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** The process with this id, or undefined if there is none (a zombie counts as none). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === 'linux' ? await linuxStart(pid) : await posixStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

/** Resolves to true once the process has exited, to false if it still runs after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Sends SIGTERM to exactly this process, and SIGKILL if it still runs after `deadlineMs`. */
export async function terminate(
  identity: ProcessIdentity,
  deadlineMs: number,
): Promise<'gone already' | 'stopped' | 'killed'> {
  if (!(await isAlive(identity))) return 'gone already';
  signal(identity.pid, 'SIGTERM');
  if (await waitUntilGone(identity, deadlineMs)) return 'stopped';
  await kill(identity);
  return 'killed';
}

/** Sends SIGKILL to exactly this process. */
export async function kill(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  signal(identity.pid, 'SIGKILL');
  await waitUntilGone(identity, KILL_MS);
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // The process exited between the check and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Boot id and start in clock ticks since boot: fields 3 (state) and 22 (starttime) of proc_pid_stat(5). */
async function linuxStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command, field 2, is in brackets and may itself contain brackets and spaces.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()}/${fields[18] ?? ''}`;
  } catch {
    return undefined;
  }
}

async function posixStart(pid: number): Promise<string | undefined> {
  const ps = await execa('ps', ['-p', String(pid), '-o', 'state=,lstart='], { reject: false });
  const [state, ...start] = ps.stdout.trim().split(/\s+/);
  if (ps.exitCode !== 0 || state === undefined || state.startsWith('Z')) return undefined;
  return start.join(' ');
}
