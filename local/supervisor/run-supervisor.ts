import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../user-error.ts';
import { serveControl } from './control.ts';
import type { RunFolder } from './run-folder.ts';
import { Supervisor } from './supervisor.ts';
import type { SystemPlan } from './system-plan.ts';

/**
 * The supervisor's process: runs the plan until it is stopped over its control socket or by a signal. Exits at once if
 * another supervisor runs in the folder. Exit code 0: every process it started has exited, even if the start failed.
 */
export async function runSupervisor(plan: SystemPlan, run: RunFolder, cwd: string): Promise<void> {
  // Inherited by all processes it starts: only this user can read logs, queues and images.
  process.umask(0o077);
  const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  const supervisor = new Supervisor({ plan, run, cwd, log });

  let ending: Promise<void> | undefined;
  const end = () => {
    ending ??= (async () => {
      try {
        await supervisor.stop();
        process.exitCode = 0;
      } catch (error) {
        console.error(error);
        process.exitCode = 1;
      }
      await control?.close();
      process.exit();
    })();
  };
  const control = await serveControl(run.socket, supervisor, end);
  if (control === undefined) return;
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  try {
    // A supervisor that was killed may have left temporary files.
    await run.removeTemporary();
    await run.create();
    await writeFile(run.pidFile, String(process.pid));
    await removeOldLogs(run);
    await supervisor.start();
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error);
    end();
  }
}

/** The supervisor's own log is open, so it is emptied. */
async function removeOldLogs(run: RunFolder): Promise<void> {
  for (const name of await readdir(run.logs)) {
    const path = join(run.logs, name);
    if (path === run.log('supervisor')) await truncate(path);
    else await rm(path);
  }
}
