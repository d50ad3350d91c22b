import type { Duplex } from 'node:stream';
import { handshakeRefusals, type HandshakeRefusal } from '@image-pipeline/shared/contracts/websocket.ts';
import { rawResponse } from '@image-pipeline/shared/http/http-server.ts';
import { isOriginAllowed } from './origin.ts';

/** The path of the WebSocket endpoint. */
export const SOCKET_PATH = '/ws';

export interface Handshake {
  /** Undefined if the URL of the request is malformed. */
  readonly path: string | undefined;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** The current capacity of the service. */
export interface Capacity {
  readonly isReady: boolean;
  readonly connections: number;
  readonly connectionsOfAddress: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Why a handshake is rejected, or undefined if it is accepted. */
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

/** The `Retry-After` of 429 and 503, in seconds. */
const RETRY_AFTER = 5;

/** Rejects a WebSocket handshake with an HTTP error and closes the connection. */
export function refuseHandshake(socket: Duplex, refusal: HandshakeRefusal): void {
  const { status, description } = handshakeRefusals[refusal];
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    ...(status === 429 || status === 503 ? { 'Retry-After': RETRY_AFTER } : {}),
  };
  // Otherwise sockets of an HTTP server stay half-open for as long as the peer likes.
  socket.once('finish', () => socket.destroy());
  socket.end(rawResponse(status, headers, { code: refusal, error: description }));
}
