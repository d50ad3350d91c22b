import { join } from 'node:path';
import { execa } from 'execa';
import { root } from '../pipeline/paths.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';
import { UserError } from '../user-error.ts';

/** `make monitor` and `make performance`: a live view of the running system, whatever its ports are. */
export async function monitor(program: 'queue_monitor' | 'performance_monitor'): Promise<void> {
  const { monitoringUrl } = await (await currentRuntime()).running();
  if (monitoringUrl === undefined) {
    throw new UserError('The monitoring service is not running. See: make ps, make logs SERVICE=monitoring');
  }
  process.exitCode = await showMonitor(program, monitoringUrl);
}

/** Runs one of the monitors on this terminal. @returns its exit code */
export async function showMonitor(
  program: 'queue_monitor' | 'performance_monitor',
  monitoringUrl: string,
  options: readonly string[] = [],
): Promise<number> {
  const script = join(root, 'monitoring', `${program}.ts`);
  const { exitCode = 1 } = await execa(process.execPath, [script, ...options], {
    env: { MONITORING_URL: monitoringUrl },
    stdio: 'inherit',
    reject: false,
  });
  return exitCode;
}
