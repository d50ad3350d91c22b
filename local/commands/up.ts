import { styleText } from 'node:util';
import { currentRuntime } from '../runtime/current-runtime.ts';

/** `make up`: starts the system unless it runs, and says where everything is. */
export async function up(): Promise<void> {
  const { system, started } = await (await currentRuntime()).ensureUp();
  console.log(styleText('bold', started ? '\nThe system is running.\n' : 'The system is already running.\n'));
  console.log(system.whereToLook.join('\n'));
}
