import { randomInt } from 'node:crypto';
import getPort, { clearLockedPorts, portNumbers } from 'get-port';

/** Below the ports that Linux and macOS hand out to outgoing connections, so that none is taken in between. */
const LOWEST = 20_000;
const HIGHEST = 31_999;
const TRIES = 200;

/**
 * A TCP port that is free on every interface: the first of `preferred`, or else one from a random place on,
 * so that two runs at the same time hardly ever meet.
 */
export async function freePort(preferred: Iterable<number>, exclude: Iterable<number>): Promise<number> {
  // get-port keeps what it gave out locked for a while; a node that starts again wants its own port back.
  clearLockedPorts();
  const start = randomInt(LOWEST, HIGHEST - TRIES);
  return getPort({ port: [...preferred, ...portNumbers(start, start + TRIES)], exclude });
}

/** `first` if it is free, or else the next free one after it. */
export function portsFrom(first: number): Iterable<number> {
  return portNumbers(first, Math.min(first + 99, 65_535));
}
