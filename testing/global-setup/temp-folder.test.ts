import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { z } from 'zod';

const SETUP = join(import.meta.dirname, 'temp-folder.ts');
/** Like RabbitMQ: a process of its own session, whose environment is not inherited. */
const RUN = `
  import { spawn } from 'node:child_process';
  import { mkdtemp } from 'node:fs/promises';
  import { tmpdir } from 'node:os';
  import { join } from 'node:path';
  import setup from '${SETUP}';
  await setup();
  const folder = await mkdtemp(join(tmpdir(), 'broker-'));
  const env = { PATH: process.env.PATH, HOME: folder };
  const { pid } = spawn('sleep', ['600'], { env, detached: true, stdio: 'ignore' });
  console.log(JSON.stringify({ folder, pid }));
`;
const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  'a test run that ends by %s leaves no process and no folder',
  async (signal) => {
    const run = spawn(process.execPath, ['--input-type=module', '--eval', RUN], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = z.tuple([z.string()]).parse(await once(createInterface(run.stdout), 'line'));
    const { folder, pid } = z.object({ folder: z.string(), pid: z.int() }).parse(JSON.parse(line));
    expect({ started: isRunning(pid), folder: existsSync(folder) }).toEqual({ started: true, folder: true });
    run.kill(signal);
    await expect
      .poll(() => ({ running: isRunning(pid), folder: existsSync(folder) }), { timeout: 20_000 })
      .toEqual({ running: false, folder: false });
  },
);
