import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SWEEPER = join(import.meta.dirname, 'sweep-after-exit.ts');

/**
 * vitest globalSetup: one folder for all temporary files of the test run. However the run ends, also by Ctrl-C or SIGKILL,
 * another process then ends what was started in this folder, and removes it.
 */
export default async function setup(): Promise<() => Promise<void>> {
  // Short, because the paths of sockets are limited to 104 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'ip-'));
  process.env['TMPDIR'] = folder;
  const sweeper = spawn(process.execPath, [SWEEPER, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return async () => {
    sweeper.stdin.end();
    await once(sweeper, 'exit');
  };
}
