import { isAlive } from '../process/identity.ts';
import { waitUntilGone } from '../process/terminate.ts';
import { cleanUp } from '../supervisor/clean-up.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import { readState } from '../supervisor/state-file.ts';

/** The services' 35 s and the broker's 30 s, with room. */
const STOP_DEADLINE_MS = 80_000;

/** How a system was stopped; `leftovers` are what a supervisor that had died left running. */
export type Stopped =
  { readonly was: 'running' } | { readonly was: 'dead'; readonly leftovers: readonly string[] };

/** Stops the system, whatever state it is in. No process of it is left afterwards; its data stays. */
export async function stopSystem(run: RunFolder): Promise<Stopped> {
  const supervisor = (await readState(run.state))?.supervisor;
  let was: Stopped['was'] = 'dead';
  if (supervisor !== undefined && (await isAlive(supervisor))) {
    const asked = await new ControlClient(run.socket).stop().then(
      () => true,
      () => false,
    );
    if (asked && (await waitUntilGone(supervisor, STOP_DEADLINE_MS))) was = 'running';
  }
  // After an orderly stop there is nothing to do here.
  const leftovers = await cleanUp(run);
  return was === 'running' ? { was } : { was, leftovers };
}
