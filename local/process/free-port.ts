import { randomInt } from 'node:crypto';
import getPort, { clearLockedPorts, portNumbers } from 'get-port';

/** Below the ports that Linux and macOS use for outgoing connections. */
const LOWEST = 20_000;
const HIGHEST = 31_999;
const TRIES = 200;

/**
 * A TCP port that is free on every interface: the first free one of `preferred`, or else a random one, so that two runs at
 * the same time rarely choose the same.
 */
export async function freePort(preferred: Iterable<number>, exclude: Iterable<number>): Promise<number> {
  // get-port reserves a port for a while, but a node that restarts needs its own port again.
  clearLockedPorts();
  const start = randomInt(LOWEST, HIGHEST - TRIES);
  return getPort({ port: [...preferred, ...portNumbers(start, start + TRIES)], exclude });
}

/** `first` if it is free, or else the next free one after it. */
export function portsFrom(first: number): Iterable<number> {
  return portNumbers(first, Math.min(first + 99, 65_535));
}
