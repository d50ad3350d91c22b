import { rm } from 'node:fs/promises';
import { identify } from '../process/identity.ts';
import { UserError } from '../user-error.ts';
import { serveControl } from './control-server.ts';
import type { RunFolder } from './run-folder.ts';
import { Supervisor } from './supervisor.ts';
import type { SystemPlan } from './system-plan.ts';

/**
 * The supervisor's process: runs the plan until it is told to stop, by its control socket or by a signal, and leaves
 * neither process nor socket behind. Exit code 1 if the system could not be started.
 */
export async function runSupervisor(plan: SystemPlan, run: RunFolder, cwd: string): Promise<void> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('This process cannot read its own start time. Is /proc mounted?');
  const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  const supervisor = new Supervisor({ plan, run, cwd, self, log });

  let ending: Promise<void> | undefined;
  const end = (exitCode: number) => {
    ending ??= (async () => {
      const stopped = await supervisor.stop().then(
        () => true,
        (error: unknown) => {
          console.error(error);
          return false;
        },
      );
      await control.close();
      await rm(run.socket, { force: true });
      process.exit(stopped ? exitCode : 1);
    })();
  };
  const control = await serveControl(run.socket, supervisor, () => end(0));
  process.on('SIGTERM', () => end(0));
  process.on('SIGINT', () => end(0));
  try {
    await supervisor.start();
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error);
    end(1);
  }
}
