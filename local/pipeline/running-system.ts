import { ControlClient, NOT_RUNNING } from '../supervisor/control-client.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import { readState } from '../supervisor/state-file.ts';
import { isAlive } from '../process/identity.ts';
import { UserError } from '../user-error.ts';

/** Whether the system runs, be it just starting or stopping; `dead`: its supervisor was killed and left it alone. */
export async function systemState(run: RunFolder): Promise<'running' | 'stopped' | 'dead'> {
  const state = await readState(run.state);
  if (state === undefined) return 'stopped';
  return (await isAlive(state.supervisor)) ? 'running' : 'dead';
}

/** @throws UserError that says what to do, if the system is not running */
export async function runningSystem(run: RunFolder): Promise<ControlClient> {
  const state = await systemState(run);
  if (state === 'running') return new ControlClient(run.socket);
  throw new UserError(
    state === 'stopped'
      ? NOT_RUNNING
      : 'The supervisor died and may have left services running. To restart the system: make up. To stop what is left: make down',
  );
}
