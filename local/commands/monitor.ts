import { join } from 'node:path';
import { execa } from 'execa';
import { root } from '../pipeline/paths.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';
import { UserError } from '../user-error.ts';

/** `make monitor` and `make performance`: a live view of the system that runs, whatever its ports are. */
export async function monitor(program: 'queue_monitor' | 'performance_monitor'): Promise<void> {
  const { monitoringUrl } = await (await currentRuntime()).running();
  if (monitoringUrl === undefined) {
    throw new UserError('Monitoring does not run. See: make ps, make logs SERVICE=monitoring');
  }
  const { exitCode = 1 } = await execa(process.execPath, [join(root, 'monitoring', `${program}.ts`)], {
    env: { MONITORING_URL: monitoringUrl },
    stdio: 'inherit',
    reject: false,
  });
  process.exitCode = exitCode;
}
