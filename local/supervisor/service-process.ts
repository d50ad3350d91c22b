import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { identify, type ProcessIdentity } from '../process/identity.ts';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly uptimeMs: number;
}

/** One process of a service, from its start to its end. */
export interface ServiceProcess {
  readonly identity: ProcessIdentity;
  /** `performance.now()` at its start. */
  readonly since: number;
  readonly exited: Promise<Exit>;
}

/** Starts a program, Node by default, with these arguments; what it prints is appended to `logFile`. */
export async function spawnService(options: {
  readonly program?: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
}): Promise<ServiceProcess> {
  const log = await open(options.logFile, 'a');
  try {
    const { program = process.execPath, args, env, cwd } = options;
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', log.fd, log.fd] });
    const since = performance.now();
    const exited = once(child, 'exit').then(([code, signal]) => ({
      code: code as Exit['code'],
      signal: signal as Exit['signal'],
      uptimeMs: performance.now() - since,
    }));
    // One that cannot be started has no end either, and says so at the next line.
    exited.catch(() => undefined);
    await once(child, 'spawn');
    const pid = child.pid ?? Number.NaN;
    // A process that has ended already was one, too.
    const identity = (await identify(pid)) ?? { pid, startedAt: 'unknown' };
    return { identity, since, exited };
  } finally {
    await log.close();
  }
}

/** In words, e.g. `exit code 1` or `killed by SIGKILL`. */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : `killed by ${signal}`;
}
