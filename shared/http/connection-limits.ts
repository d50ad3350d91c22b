import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { PipelineError } from '../errors.ts';
import { endWithProblem } from './client-errors.ts';
import { commonProblem } from './problem.ts';

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Of one client address; see `networkOf`. */
  readonly maxConnectionsPerAddress: number;
}

/** `Retry-After` of a refused connection, in seconds. */
const RETRY_AFTER = '5';

/** The connections of one address. */
interface Share {
  count: number;
  /** Those without a request in progress: silent, with half a request head, or idle. Longest wait first. */
  readonly waiting: Set<Duplex>;
}

/**
 * Keeps connections free for others. A connection beyond a limit takes the place of the one that has waited longest for
 * a complete request head: of the same address beyond its share, of any address beyond the total. Where none waits,
 * the new connection is refused.
 * @returns to be called when a connection is upgraded, which counts as a request in progress
 */
export function limitConnections(
  server: Server,
  { maxConnections, maxConnectionsPerAddress }: ConnectionLimits,
): (upgraded: Duplex) => void {
  const shares = new Map<string, Share>();
  const connections = new Map<Duplex, { readonly share: Share; inProgress: number }>();
  const waiting = new Set<Duplex>();

  const admit = (socket: Socket): boolean => {
    const address = networkOf(socket.remoteAddress);
    const share = shares.get(address) ?? { count: 0, waiting: new Set() };
    const isShareUsed = share.count >= maxConnectionsPerAddress;
    if (isShareUsed || connections.size >= maxConnections) {
      const [longest] = isShareUsed ? share.waiting : waiting;
      if (longest === undefined) {
        refuse(socket, maxConnectionsPerAddress);
        return false;
      }
      forget(longest);
      longest.destroy();
    }
    shares.set(address, share);
    share.count++;
    connections.set(socket, { share, inProgress: 0 });
    wait(socket, share);
    socket.once('close', () => {
      forget(socket);
      if (share.count === 0 && shares.get(address) === share) shares.delete(address);
    });
    return true;
  };
  const wait = (socket: Duplex, share: Share): void => {
    waiting.add(socket);
    share.waiting.add(socket);
  };
  const forget = (socket: Duplex): void => {
    const known = connections.get(socket);
    if (known === undefined) return;
    connections.delete(socket);
    waiting.delete(socket);
    known.share.waiting.delete(socket);
    known.share.count--;
  };
  const begin = (socket: Duplex): void => {
    const known = connections.get(socket);
    if (known === undefined) return;
    known.inProgress++;
    waiting.delete(socket);
    known.share.waiting.delete(socket);
  };
  const serve = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    begin(socket);
    response.once('close', () => {
      const known = connections.get(socket);
      if (known !== undefined && --known.inProgress === 0) wait(socket, known.share);
    });
  };

  // In front of the server's own listener, which would serve a refused connection.
  const [serveConnection] = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    if (admit(socket) && serveConnection !== undefined) Reflect.apply(serveConnection, server, [socket]);
  });
  server.prependListener('request', serve);
  server.prependListener('checkContinue', serve);
  server.prependListener('checkExpectation', serve);
  server.prependListener('connect', (_request, socket) => begin(socket));
  return begin;
}

function refuse(socket: Socket, limit: number): void {
  const problem = new PipelineError(
    'too_many_connections',
    `Too many connections. Maximum per client address: ${limit}. Close a connection or retry later.`,
    { details: { limit } },
  );
  endWithProblem(socket, commonProblem(problem), { 'Retry-After': RETRY_AFTER });
  // Not held open for the client to read: there may be many.
  socket.destroySoon();
}

const IPV6_PREFIX_BITS = 56;

/** What counts as one client: an IPv4 address, or one /56 of IPv6, which one customer may have. */
export function networkOf(address = ''): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/${IPV6_PREFIX_BITS}`).toString();
}
