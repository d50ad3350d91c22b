import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { z } from 'zod';

/**
 * A process that can be recognised later. A pid alone is reused by the system; together with the moment the
 * process started it names one process for good, so that what we recorded can be killed without fear of
 * hitting a stranger.
 */
export const processIdentitySchema = z.strictObject({
  pid: z.int().positive(),
  startedAt: z.string().min(1),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** The process with this pid, or undefined if there is none (a zombie counts as gone). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === 'linux' ? await linuxStart(pid) : await posixStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

/** Boot id and start in clock ticks since boot: fields 3 (state) and 22 (starttime) of proc_pid_stat(5). */
async function linuxStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command, field 2, is in brackets and may itself hold brackets and spaces.
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
