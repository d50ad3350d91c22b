import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

const TRIES = 40;
const PAUSE_MS = 50;

/**
 * Ends the port mapper that Erlang started for one node and that outlives it. It refuses while it still knows the
 * node, which takes it a moment to notice.
 */
export async function stopEpmd(environment: NodeJS.ProcessEnv): Promise<void> {
  const epmd = async (argument: string) =>
    execa('epmd', [argument], { env: environment, extendEnv: false, reject: false });
  for (let i = 0; i < TRIES; i++) {
    if ((await epmd('-names')).exitCode !== 0) return;
    await epmd('-kill');
    await delay(PAUSE_MS);
  }
}
