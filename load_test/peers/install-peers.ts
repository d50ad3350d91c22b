import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findProgram } from '../../local/process/find-program.ts';
import { UserError } from '../../local/user-error.ts';

/** The peers with everything they need, in a temporary folder. */
export interface InstalledPeers extends AsyncDisposable {
  /** A copy of this folder. */
  readonly folder: string;
  /** Programs of the virtual environment: `python`, `celery`. */
  readonly binaries: string;
  /** Path of `redis-server`. */
  readonly redis: string;
}

/** Takes about a minute. @throws UserError that says what is missing, or why it cannot be installed */
export async function installPeers(say: (line: string) => void): Promise<InstalledPeers> {
  const redis = await findPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'image-pipeline-peers-'));
  try {
    await cp(import.meta.dirname, folder, { recursive: true });
    const environment = join(folder, 'venv');
    say('Installing the Python packages …');
    await install('python3', ['-m', 'venv', environment], folder);
    await install(join(environment, 'bin/pip'), ['install', '--quiet', '-r', 'requirements.txt'], folder);
    say('Installing the npm packages …');
    const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    await install('npm', ['install', ...flags], join(folder, 'express-bullmq'));
    return {
      folder,
      binaries: join(environment, 'bin'),
      redis,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** @returns the path of `redis-server` */
async function findPrograms(): Promise<string> {
  const python = await execa(
    'python3',
    ['-c', 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))'],
    {
      reject: false,
    },
  );
  const redis = await findProgram('redis-server');
  if (!python.failed && redis !== undefined) return redis;
  const missing = [python.failed ? 'Python 3.11 or later with venv' : '', redis === undefined ? 'Redis' : ''];
  throw new UserError(
    `Missing: ${missing.filter(Boolean).join(' and ')}. On Debian or Ubuntu: sudo apt-get install -y --no-install-recommends python3 python3-venv redis-server`,
  );
}

async function install(program: string, args: readonly string[], cwd: string): Promise<void> {
  // npx passes the workspaces of this project to npm in variables.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_config_(workspaces?|local_prefix)$/i.test(name)),
  );
  const { failed, all } = await execa(program, args, {
    cwd,
    env,
    extendEnv: false,
    reject: false,
    all: true,
  });
  if (failed) throw new UserError(`${program} ${args.join(' ')} failed:\n${all.slice(-2_000)}`);
}
