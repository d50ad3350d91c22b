import { once } from 'node:events';
import type { Server } from 'node:http';
import { ConfigError } from '../config.ts';

/**
 * Listens on `port`, or on the next free one where `portsToTry` allows.
 * @throws ConfigError that names the ports when all are taken
 */
export async function listen(
  server: Server,
  options: { readonly host: string; readonly port: number; readonly portsToTry: number },
): Promise<void> {
  const { host, port, portsToTry } = options;
  for (let tried = port; tried < port + portsToTry; tried++) {
    try {
      server.listen(tried, host);
      await once(server, 'listening');
      return;
    } catch (error) {
      if (!isAddressInUse(error)) throw error;
    }
  }
  const ports =
    portsToTry === 1
      ? `port ${port} of ${host} is`
      : `ports ${port} to ${port + portsToTry - 1} of ${host} are`;
  throw new ConfigError([`${ports} taken by another program: stop it, or set another port`]);
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
