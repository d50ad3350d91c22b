import { rm } from 'node:fs/promises';
import { stopRabbitNode } from '../broker/rabbitmq-node.ts';
import { isAlive } from '../process/identity.ts';
import { waitUntilGone, kill, terminate } from '../process/terminate.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import { readState, removeState } from '../supervisor/state-file.ts';

/** The services' 35 s and the broker's 30 s, with room. */
const SYSTEM_STOP_MS = 80_000;

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
    if (asked && (await waitUntilGone(supervisor, SYSTEM_STOP_MS))) was = 'running';
  }
  // After an orderly stop there is nothing to do here.
  const leftovers = await cleanUp(run);
  return was === 'running' ? { was } : { was, leftovers };
}

/** As long as the supervisor would give them. */
const SERVICE_STOP_MS = 35_000;

/**
 * Ends whatever a supervisor left behind that was killed or does not answer any more: exactly the processes that it
 * wrote down, recognised by pid and start time, so that no stranger with a reused pid is hit. Their temporary files go.
 * @returns the names of what was still running
 */
async function cleanUp(run: RunFolder): Promise<string[]> {
  const ended: string[] = [];
  const state = await readState(run.state);
  if (state !== undefined) {
    await kill(state.supervisor);
    await Promise.all(
      state.services.map(async ({ name, process }) => {
        if ((await terminate(process, SERVICE_STOP_MS)) !== 'gone already') ended.push(name);
      }),
    );
  }
  if (await stopRabbitNode(run.rabbitmq)) ended.push('rabbitmq');
  await run.removeTemp();
  await removeState(run.state);
  await rm(run.socket, { force: true });
  return ended.sort();
}
