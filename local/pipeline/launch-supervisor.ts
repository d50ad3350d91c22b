import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { identify, type ProcessIdentity } from '../process/identity.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';

/** Starts a supervisor's process in a session of its own: it outlives this one, and the terminal. */
export async function launchSupervisor(
  script: string,
  run: RunFolder,
  cwd: string,
): Promise<ProcessIdentity> {
  const log = await open(run.log('supervisor'), 'a');
  try {
    const child = spawn(process.execPath, [script], {
      cwd,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid ?? Number.NaN;
    // A process that has ended already was one, too.
    return (await identify(pid)) ?? { pid, startedAt: 'unknown' };
  } finally {
    await log.close();
  }
}
