import { execa } from 'execa';

/** The command that is Compose on this machine: `['docker', 'compose']` (2.x) or `['docker-compose']` (1.29). */
export type ComposeCommand = readonly [string, ...string[]];

const COMMANDS: readonly ComposeCommand[] = [['docker', 'compose'], ['docker-compose']];
const ANSWER_MS = 10_000;

/** How Compose is called, or undefined if it is missing or no Docker engine answers. */
export async function findCompose(): Promise<ComposeCommand | undefined> {
  if (!(await answers('docker', ['version', '--format', '{{.Server.Version}}']))) return undefined;
  for (const command of COMMANDS) {
    const [program, ...args] = command;
    if (await answers(program, [...args, 'version', '--short'])) return command;
  }
  return undefined;
}

async function answers(program: string, args: readonly string[]): Promise<boolean> {
  const { exitCode } = await execa(program, args, { reject: false, timeout: ANSWER_MS, stdin: 'ignore' });
  return exitCode === 0;
}
