import { findProgram, pathFolders } from '../process/find-program.ts';

/** The programs of an installed RabbitMQ. */
export interface RabbitPrograms {
  readonly server: string;
  readonly ctl: string;
}

/**
 * Debian's and RPM's real scripts come first: what they put on PATH is a wrapper that, as root, switches to the user
 * `rabbitmq` and drops the environment. Homebrew and the generic archive have only the real ones.
 */
const WELL_KNOWN = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/sbin', '/usr/local/sbin'];

/** Where RabbitMQ is installed, or undefined. */
export async function findRabbitmq(
  folders: readonly string[] = [...WELL_KNOWN, ...pathFolders()],
): Promise<RabbitPrograms | undefined> {
  for (const folder of folders) {
    const server = await findProgram('rabbitmq-server', [folder]);
    const ctl = await findProgram('rabbitmqctl', [folder]);
    if (server !== undefined && ctl !== undefined) return { server, ctl };
  }
  return undefined;
}
