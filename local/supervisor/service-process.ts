import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';

/** How a process ended; neither code nor signal is known of a process that is not a child of this one. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that runs, or has run. */
export interface RunningProcess {
  readonly pid: number;
  /** The port it listens on. */
  readonly port: number;
  readonly exited: Promise<Exit>;
  /** Stops it in an orderly way, and kills it if it takes too long. */
  stop(): Promise<void>;
}

/** A process of a service, a child of this process. */
export interface ServiceProcess extends RunningProcess {
  /** Does nothing once the process has exited: its id may be reused. */
  signal(name: NodeJS.Signals): void;
}

export interface ServiceProcessOptions {
  /** Default: Node. */
  readonly program?: string;
  /** Arguments; for Node, the script first. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** What it prints is appended to this file. */
  readonly logFile: string;
  readonly port: number;
}

/** A service has 30 s to finish its current work, and some time to exit. */
const STOP_DEADLINE_MS = 35_000;

/** @throws Error if the program cannot be started */
export async function spawnService(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const { program = process.execPath, args, env, cwd, port } = options;
  const log = await open(options.logFile, 'a');
  try {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', log.fd, log.fd] });
    const exited = once(child, 'exit').then(([code, signal]) => ({
      code: code as Exit['code'],
      signal: signal as Exit['signal'],
    }));
    // A program that cannot be started is reported by the next line.
    exited.catch(() => undefined);
    await once(child, 'spawn');
    return {
      pid: child.pid ?? Number.NaN,
      port,
      exited,
      signal: (name) => void child.kill(name),
      stop: async () => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
        await exited;
        clearTimeout(timer);
      },
    };
  } finally {
    await log.close();
  }
}

/** For example `exit code 1` or `killed by SIGKILL`. */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : `killed by ${signal}`;
}
