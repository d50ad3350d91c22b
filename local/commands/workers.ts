import { currentRuntime } from '../runtime/current-runtime.ts';
import { MAX_WORKERS } from '../supervisor/workers.ts';
import { UserError } from '../user-error.ts';

/** As of MAX_CONCURRENT_JOBS. */
const MAX_SLOTS = 64;

/** `make scale N=3`, `make scale N=3 SLOTS=1`, `make scale N=3 SLOTS=default` */
export async function scale(count: string, slots: string): Promise<void> {
  if (!/^\d+$/.test(count) || Number(count) > MAX_WORKERS) {
    throw new UserError(
      `N is ${count === '' ? 'missing' : `"${count}"`}, but must be a whole number from 0 to ${MAX_WORKERS}, for example: make scale N=3`,
    );
  }
  const wanted = slotsIn(slots);
  await (await currentRuntime()).scale(Number(count), wanted);
  if (typeof wanted === 'number')
    console.log(
      `Each worker processes ${wanted} at a time. To restore the default: make scale N=${count} SLOTS=default`,
    );
}

function slotsIn(given: string): number | 'default' | undefined {
  if (given === '') return undefined;
  if (given === 'default') return given;
  if (/^\d+$/.test(given) && Number(given) >= 1 && Number(given) <= MAX_SLOTS) return Number(given);
  throw new UserError(
    `SLOTS is "${given}", but must be a whole number from 1 to ${MAX_SLOTS} or "default", for example: make scale N=3 SLOTS=1`,
  );
}

/** `make kill-worker`: kills the newest worker, like a crash: it can neither finish nor return its jobs. */
export async function killWorker(): Promise<void> {
  const runtime = await currentRuntime();
  const newest = (await runtime.workers()).at(-1);
  if (newest === undefined) throw new UserError('No worker is ready. To start one: make start-worker');
  await newest.kill.run();
  console.log(
    `Killed ${newest.name} with SIGKILL (${newest.kill.line}). RabbitMQ redelivers its jobs to other workers.`,
  );
  console.log(
    newest.isRestarted ? 'The supervisor restarts it: make ps' : 'To start it again: make start-worker',
  );
}
