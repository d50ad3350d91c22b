import { runFolder } from '../pipeline/paths.ts';
import { systemState } from '../pipeline/running-system.ts';
import { stopSystem } from '../pipeline/stop-system.ts';
import { exclusively } from '../process/exclusive.ts';

/** `make down`: stops everything. The data stays. */
export async function down(): Promise<void> {
  await exclusively(runFolder.lock, async () => {
    if ((await systemState(runFolder)) === 'running')
      console.log('Stopping. The workers finish their current jobs …');
    const stopped = await stopSystem(runFolder);
    if (stopped.was === 'running') {
      console.log('Stopped. Images and queues are kept. To remove them: make clean');
    } else if (stopped.leftovers.length > 0) {
      console.log(
        `The supervisor had died. Stopped the services it left running: ${stopped.leftovers.join(', ')}.`,
      );
    } else {
      console.log('The system is not running.');
    }
  });
}
