import { execa } from 'execa';
import { UserError } from '../user-error.ts';
import { readContainers, type Container } from './container.ts';
import type { ComposeCommand } from './find-compose.ts';

/** What a command wrote, to both streams, and how it ended. */
export interface Output {
  readonly exitCode: number;
  readonly text: string;
}

/** The containers of one docker-compose.yml, by the commands of Compose and Docker. */
export class ComposeProject {
  readonly #command: ComposeCommand;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  /**
   * @param folder where docker-compose.yml and .env are
   * @param env beside this process's own
   */
  constructor(command: ComposeCommand, folder: string, env: NodeJS.ProcessEnv = {}) {
    this.#command = command;
    this.#folder = folder;
    this.#env = env;
  }

  /** The same containers, with these variables besides. */
  with(env: NodeJS.ProcessEnv): ComposeProject {
    return new ComposeProject(this.#command, this.#folder, { ...this.#env, ...env });
  }

  /** How Compose is called on this machine. */
  get commandLine(): string {
    return this.#command.join(' ');
  }

  /** Runs a command of Compose and returns what it wrote. */
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

  /** Runs a command of Compose on this terminal, until it ends or people end it. */
  async composeHere(args: readonly string[]): Promise<void> {
    const [program, ...first] = this.#command;
    const options = { cwd: this.#folder, env: this.#env, reject: false, stdio: 'inherit' } as const;
    await execa(program, [...first, ...args], options);
  }

  /** @throws UserError with what Docker says, if it fails */
  async docker(args: readonly string[]): Promise<string> {
    const { exitCode, all } = await execa('docker', args, { reject: false, all: true, stdin: 'ignore' });
    if (exitCode !== 0) throw new UserError(`docker ${args[0] ?? ''}: ${all}`);
    return all;
  }

  /** Those that run and those that are stopped. */
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
