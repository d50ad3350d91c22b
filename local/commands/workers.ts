import { runFolder } from '../pipeline/paths.ts';
import { untilReady } from '../pipeline/start-system.ts';
import { runningSystem } from '../pipeline/running-system.ts';
import { UserError } from '../user-error.ts';
import { MAX_WORKERS } from '../supervisor/worker-crew.ts';

const READY_DEADLINE_MS = 60_000;

/** `make scale N=3` */
export async function scale(count: string): Promise<void> {
  if (!/^\d+$/.test(count) || Number(count) > MAX_WORKERS) {
    throw new UserError(`Say how many workers, from 0 to ${MAX_WORKERS}: make scale N=3`);
  }
  const { started, stopped } = await (await runningSystem(runFolder)).scale(Number(count));
  if (started.length > 0) {
    await untilReady(runFolder, READY_DEADLINE_MS);
    console.log(`Started ${started.join(', ')}.`);
  }
  if (stopped.length > 0) console.log(`Stopped ${stopped.join(', ')} after what they had in hand.`);
  const workers = `${count} worker${count === '1' ? '' : 's'}`;
  console.log(started.length + stopped.length === 0 ? `There are ${workers} already.` : `Now ${workers}.`);
}

/** `make stop-worker` */
export async function stopWorker(): Promise<void> {
  console.log(
    `Stopped ${await (await runningSystem(runFolder)).stopWorker()}. To start it again: make start-worker`,
  );
}

/** `make start-worker` */
export async function startWorker(): Promise<void> {
  const name = await (await runningSystem(runFolder)).startWorker();
  await untilReady(runFolder, READY_DEADLINE_MS);
  console.log(`Started ${name}.`);
}
