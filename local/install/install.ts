import { createInterface } from 'node:readline/promises';
import { findProgram } from '../process/find-program.ts';
import { UserError } from '../user-error.ts';
import { installWithApt } from './apt.ts';
import { installLine, programs } from './programs.ts';

type Installable = 'rabbitmq' | 'prometheus' | 'chromium' | 'faketime';

/**
 * Installs RabbitMQ if it is missing: as root on Debian or Ubuntu, after a question if this is a terminal. No service is
 * started, now or with the machine.
 * @throws UserError with the line to run, if this is not possible
 */
export async function ensureRabbitmq(): Promise<void> {
  if (await install('rabbitmq')) return;
  throw new UserError(
    `RabbitMQ is not installed. Run this, then try again:\n\n    ${await installLine('rabbitmq')}\n`,
  );
}

/** Does the same for a program that only some tests need. If it is not possible, prints what to do. */
export async function tryToInstall(name: 'prometheus' | 'chromium' | 'faketime'): Promise<void> {
  const { title } = programs[name];
  try {
    if (await install(name)) return;
    const line = await installLine(name);
    console.log(`${title} is not installed, so the tests that need it are skipped. To install it: ${line}`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(`${title} could not be installed, so the tests that need it are skipped. ${error.message}`);
  }
}

/** Whether `make` can install programs itself: with apt-get, as root. */
export async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await findProgram('apt-get')) !== undefined;
}

/** @returns whether the program is installed @throws UserError if apt-get fails */
async function install(name: Installable): Promise<boolean> {
  const { title, debianPackage, find } = programs[name];
  if ((await find()) !== undefined) return true;
  if (!(await canInstall())) return false;
  if (!(await isConfirmed(`${title} is not installed. Install it with apt-get now?`))) return false;
  console.log(`Installing ${title} (package ${debianPackage}) …`);
  await installWithApt(debianPackage);
  if ((await find()) === undefined) return false;
  const note =
    name === 'chromium' || name === 'faketime'
      ? ''
      : ' Its system service is disabled; the pipeline runs its own.';
  console.log(`${title} is installed.${note}`);
  return true;
}

/** Asks at the terminal; true if there is none. */
async function isConfirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const reply = await terminal.question(`${question} [Y/n] `);
    return /^(y(es)?)?$/i.test(reply.trim());
  } finally {
    terminal.close();
  }
}
