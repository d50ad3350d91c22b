import { runFolder } from '../pipeline/paths.ts';
import { untilReady } from '../pipeline/start-system.ts';
import { runningSystem } from '../pipeline/running-system.ts';

const READY_DEADLINE_MS = 60_000;

/** `make scale N=3` */
export async function scale(count: number): Promise<void> {
  const { started, stopped } = await (await runningSystem(runFolder)).scale(count);
  if (started.length > 0) {
    await untilReady(runFolder, READY_DEADLINE_MS);
    console.log(`Started ${started.join(', ')}.`);
  }
  if (stopped.length > 0) console.log(`Stopped ${stopped.join(', ')} after what they had in hand.`);
  const workers = `${count} worker${count === 1 ? '' : 's'}`;
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
