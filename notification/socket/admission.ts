import type { HandshakeRefusal } from '@image-pipeline/shared/contracts/websocket.ts';
import { isOriginAllowed } from './origin.ts';

/** Where WebSockets are. */
export const SOCKET_PATH = '/ws';

export interface Handshake {
  /** Undefined where the address of the request cannot be read. */
  readonly path: string | undefined;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** What the service can take at this moment. */
export interface Capacity {
  readonly isReady: boolean;
  readonly connections: number;
  readonly connectionsOfAddress: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Why a handshake is refused, or undefined if it is not. */
export function refusalOfHandshake(
  { path, origin, host }: Handshake,
  capacity: Capacity,
  allowedOrigins: readonly string[],
): HandshakeRefusal | undefined {
  if (path !== SOCKET_PATH) return 'not_found';
  if (!isOriginAllowed(origin, host, allowedOrigins)) return 'origin_not_allowed';
  if (!capacity.isReady) return 'not_ready';
  if (capacity.connectionsOfAddress >= capacity.maxConnectionsPerAddress) return 'too_many_of_address';
  if (capacity.connections >= capacity.maxConnections) return 'too_many_connections';
  return undefined;
}
