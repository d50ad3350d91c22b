import { currentRuntime } from '../runtime/current-runtime.ts';
import { MAX_WORKERS } from '../supervisor/worker-crew.ts';
import { UserError } from '../user-error.ts';

/** `make scale N=3` */
export async function scale(count: string): Promise<void> {
  if (!/^\d+$/.test(count) || Number(count) > MAX_WORKERS) {
    throw new UserError(`Say how many workers, from 0 to ${MAX_WORKERS}: make scale N=3`);
  }
  await (await currentRuntime()).scale(Number(count));
}
