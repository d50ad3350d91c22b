import { execa } from 'execa';
import { logText } from '../process/log-files.ts';
import { UserError } from '../user-error.ts';
import { readContainers, type Container } from './container.ts';

/** The command of Compose on this machine: `['docker', 'compose']` (2.x) or `['docker-compose']` (1.29). */
export type ComposeCommand = readonly [string, ...string[]];

const COMMANDS: readonly ComposeCommand[] = [['docker', 'compose'], ['docker-compose']];
const RESPONSE_MS = 10_000;

/** The command of Compose, or undefined if it is not installed or no Docker engine responds. */
export async function findCompose(): Promise<ComposeCommand | undefined> {
  if (!(await succeeds('docker', ['version', '--format', '{{.Server.Version}}']))) return undefined;
  for (const command of COMMANDS) {
    const [program, ...args] = command;
    if (await succeeds(program, [...args, 'version', '--short'])) return command;
  }
  return undefined;
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  const { exitCode } = await execa(program, args, { reject: false, timeout: RESPONSE_MS, stdin: 'ignore' });
  return exitCode === 0;
}

function* logLines(line: unknown) {
  yield logText(String(line));
}

/** The output of a command, of both streams, and its exit code. */
export interface Output {
  readonly exitCode: number;
  readonly text: string;
}

/** The containers of a docker-compose.yml, through the commands of Compose and Docker. */
export class ComposeProject {
  readonly #command: ComposeCommand;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  /**
   * @param folder where docker-compose.yml and .env are
   * @param env in addition to the environment of this process
   */
  constructor(command: ComposeCommand, folder: string, env: NodeJS.ProcessEnv = {}) {
    this.#command = command;
    this.#folder = folder;
    this.#env = env;
  }

  /** The same containers, with more variables. */
  with(env: NodeJS.ProcessEnv): ComposeProject {
    return new ComposeProject(this.#command, this.#folder, { ...this.#env, ...env });
  }

  /** The command of Compose on this machine. */
  get commandLine(): string {
    return this.#command.join(' ');
  }

  /** Runs a command of Compose and returns its output. */
  async compose(args: readonly string[]): Promise<Output> {
    const [program, ...first] = this.#command;
    const { exitCode = 1, all } = await execa(program, [...first, ...args], {
      cwd: this.#folder,
      env: this.#env,
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    return { exitCode, text: all };
  }

  /** Prints the output of a command of Compose that follows logs, until it exits. */
  async follow(args: readonly string[]): Promise<void> {
    const [program, ...first] = this.#command;
    const stdout = [logLines, 'inherit'] as const;
    const options = { cwd: this.#folder, env: this.#env, reject: false, stdin: 'inherit', stdout } as const;
    await execa(program, [...first, ...args], { ...options, stderr: 'inherit' });
  }

  /** @throws UserError with the output of Docker, if it fails */
  async docker(args: readonly string[]): Promise<string> {
    const { exitCode, all } = await execa('docker', args, { reject: false, all: true, stdin: 'ignore' });
    if (exitCode !== 0) throw new UserError(`docker ${args[0] ?? ''}: ${all}`);
    return all;
  }

  /** Running and stopped containers. */
  async containers(): Promise<Container[]> {
    const [program, ...first] = this.#command;
    const { stdout } = await execa(program, [...first, 'ps', '-aq'], {
      cwd: this.#folder,
      env: this.#env,
      reject: false,
    });
    const ids = stdout.split('\n').filter((id) => /^[0-9a-f]{12,}$/.test(id));
    return ids.length === 0 ? [] : readContainers(await this.docker(['inspect', ...ids]));
  }

  async isRunning(): Promise<boolean> {
    const containers = await this.containers();
    return containers.some(({ state }) => state !== 'stopped' && state !== 'failed');
  }
}
