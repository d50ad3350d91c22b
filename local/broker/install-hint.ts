import { findProgram } from '../process/find-program.ts';

/** The line that installs RabbitMQ with each package manager, in the order of asking for it. */
const LINES = {
  'apt-get': 'sudo apt-get update && sudo apt-get install -y --no-install-recommends rabbitmq-server',
  dnf: 'sudo dnf install -y rabbitmq-server',
  brew: 'brew install rabbitmq',
} as const;

/** How RabbitMQ gets onto this machine: the line that does it, and whether that is apt's. */
export interface InstallHint {
  readonly line: string;
  readonly apt: boolean;
}

export async function installHint(): Promise<InstallHint> {
  for (const [manager, line] of Object.entries(LINES)) {
    if ((await findProgram(manager)) !== undefined) return { line, apt: manager === 'apt-get' };
  }
  return { line: 'see https://www.rabbitmq.com/docs/download', apt: false };
}
