import { rm } from 'node:fs/promises';
import { stopRabbitNode } from '../broker/rabbitmq-node.ts';
import { kill, terminate } from '../process/terminate.ts';
import type { RunFolder } from './run-folder.ts';
import { readState, removeState } from './state-file.ts';

/** As long as the supervisor would give them. */
const STOP_DEADLINE_MS = 35_000;

/**
 * Ends whatever a supervisor left behind that was killed or does not answer any more: exactly the processes that it
 * wrote down, recognised by pid and start time, so that no stranger with a reused pid is hit. Their temporary files go.
 * @returns the names of what was still running
 */
export async function cleanUp(run: RunFolder): Promise<string[]> {
  const ended: string[] = [];
  const state = await readState(run.state);
  if (state !== undefined) {
    await kill(state.supervisor);
    await Promise.all(
      state.services.map(async ({ name, process }) => {
        if ((await terminate(process, STOP_DEADLINE_MS)) !== 'gone already') ended.push(name);
      }),
    );
  }
  if (await stopRabbitNode(run.rabbitmq)) ended.push('rabbitmq');
  await run.removeTemp();
  await removeState(run.state);
  await rm(run.socket, { force: true });
  return ended.sort();
}
