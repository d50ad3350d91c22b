import { agreed } from '../terminal/agreed.ts';
import { UserError } from '../user-error.ts';
import { findRabbitmq } from './find-rabbitmq.ts';
import { installWithApt } from './install-with-apt.ts';
import { installHint, type InstallHint } from './install-hint.ts';

/**
 * Makes sure that RabbitMQ's programs are on this machine. As root on Debian or Ubuntu it installs the package, after
 * asking if somebody sits at a terminal; nothing is started and nothing will start with the machine.
 * @throws UserError with the one line to run, if it may not or cannot install
 */
export async function ensureRabbitmq(say: (line: string) => void = console.log): Promise<void> {
  if ((await findRabbitmq()) !== undefined) return;
  const hint = await installHint('rabbitmq');
  if (!canInstall(hint)) throw missing(hint.line);
  if (!(await agreed('RabbitMQ is not installed. Install it with apt-get now?'))) throw missing(hint.line);
  say('Installing RabbitMQ (package rabbitmq-server, about a minute) …');
  await installWithApt('rabbitmq-server');
  if ((await findRabbitmq()) === undefined) throw missing(hint.line);
  say('RabbitMQ is installed. Its system service is disabled; the pipeline runs its own node.');
}

/** Whether we may and can install it ourselves. */
export function canInstall({ apt }: InstallHint): boolean {
  return apt && process.getuid?.() === 0;
}

function missing(line: string): UserError {
  return new UserError(`RabbitMQ is not installed. Run this, then try again:\n\n    ${line}\n`);
}
