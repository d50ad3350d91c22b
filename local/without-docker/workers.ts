import { runFolder } from '../pipeline/paths.ts';
import type { RunningWorker } from '../runtime/runtime.ts';
import { ControlClient } from '../supervisor/control.ts';
import { untilReady } from '../supervisor/running-system.ts';
import { UserError } from '../user-error.ts';

const READY_DEADLINE_MS = 60_000;
const supervisor = new ControlClient(runFolder.socket);

/** `make scale N=3 SLOTS=1` */
export async function scale(count: number, slots?: number | 'default'): Promise<void> {
  if (slots !== undefined) {
    await supervisor.setSlots(slots === 'default' ? undefined : slots);
    await untilReady(runFolder, READY_DEADLINE_MS);
  }
  const { started, stopped } = await supervisor.scale(count);
  if (started.length > 0) {
    await untilReady(runFolder, READY_DEADLINE_MS);
    console.log(`Started ${started.join(', ')}.`);
  }
  if (stopped.length > 0) console.log(`Stopped ${stopped.join(', ')} after they finished their jobs.`);
  const workers = `${count} worker${count === 1 ? '' : 's'}`;
  console.log(started.length + stopped.length === 0 ? `Already running ${workers}.` : `Running ${workers}.`);
}

/** `make stop-worker` */
export async function stopWorker(): Promise<void> {
  console.log(`Stopped ${await supervisor.stopWorker()}. To start it again: make start-worker`);
}

/** `make start-worker` */
export async function startWorker(): Promise<void> {
  const name = await supervisor.startWorker();
  await untilReady(runFolder, READY_DEADLINE_MS);
  console.log(`Started ${name}.`);
}

/** The workers that are ready, oldest first. */
export async function workers(): Promise<RunningWorker[]> {
  const { services } = await supervisor.ps();
  return services.flatMap(({ name, state, pid }) => {
    if (!name.startsWith('worker-') || state !== 'ready' || pid === undefined) return [];
    const kill = {
      line: `kill -9 ${pid}`,
      run: () => killProcess(name, pid),
    };
    return [{ name, isNamed: (other: string) => other === name, kill, isRestarted: true }];
  });
}

function killProcess(name: string, pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
    return Promise.resolve();
  } catch (error) {
    return Promise.reject(
      new UserError(`${name} (process ${pid}) is not running any more.`, { cause: error }),
    );
  }
}
