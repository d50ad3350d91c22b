import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { isToken } from '@image-pipeline/shared/access-token.ts';
import {
  handshakeRefusals,
  type HandshakeRefusal,
  type SocketErrorCode,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { PipelineError, problemType } from '@image-pipeline/shared/errors.ts';
import { isHostAllowed } from '@image-pipeline/shared/http/allowed-hosts.ts';
import { endWithProblem } from '@image-pipeline/shared/http/client-errors.ts';
import { commonProblem } from '@image-pipeline/shared/http/problem.ts';

/** The path of the WebSocket endpoint. */
export const SOCKET_PATH = '/ws';

export interface Handshake {
  /** Undefined if the URL of the request is malformed. */
  readonly path: string | undefined;
  /** Number of parameters in the URL. */
  readonly parameters: number;
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
  /** Of one connection. */
  readonly maxSubscriptions: number;
}

/** Besides pages of this machine, and the names of this machine. */
export interface Allowed {
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
}

/** Why a handshake is rejected, or undefined if it is accepted. */
export function refusalOfHandshake(
  { path, parameters, origin, host }: Handshake,
  capacity: Capacity,
  { allowedOrigins, allowedHosts }: Allowed,
): HandshakeRefusal | undefined {
  if (!isHostAllowed(host, allowedHosts)) return 'host_not_allowed';
  if (path !== SOCKET_PATH) return 'not_found';
  // A job_id for each subscription, and last_event_id.
  if (parameters > capacity.maxSubscriptions + 1) return 'too_many_parameters';
  if (!isOriginAllowed(origin, host, allowedOrigins)) return 'origin_not_allowed';
  if (!capacity.isReady) return 'service_unavailable';
  if (capacity.connectionsOfAddress >= capacity.maxConnectionsPerAddress)
    return 'too_many_connections_from_address';
  if (capacity.connections >= capacity.maxConnections) return 'too_many_connections';
  return undefined;
}

/** The `Retry-After` of 429 and 503, in seconds. */
const RETRY_AFTER = '5';

/** Refuses a WebSocket handshake with problem details and closes the connection. */
export function refuseHandshake(socket: Duplex, code: HandshakeRefusal): void {
  const refusal = handshakeRefusals[code];
  const problem = { type: problemType(code), ...refusal, code };
  const canRetry = refusal.status === 429 || refusal.status === 503;
  endWithProblem(socket, problem, canRetry ? { 'Retry-After': RETRY_AFTER } : {});
}

/** Refuses a handshake that is no valid WebSocket handshake. @param reason from the WebSocket library */
export function refuseMalformedHandshake(socket: Duplex, { method }: IncomingMessage, reason: string): void {
  if (method !== 'GET') {
    const problem = commonProblem(new PipelineError('method_not_allowed', 'Allowed: GET.'));
    endWithProblem(socket, problem, { Allow: 'GET' });
  } else {
    const problem = commonProblem(new PipelineError('malformed_request', `${reason}.`));
    endWithProblem(socket, problem, { 'Sec-WebSocket-Version': '13, 8' });
  }
}

const loopback: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a page of this origin may connect. Programs send no origin; browsers always do, and let any page of the
 * web connect anywhere, including this machine.
 *
 * @param origin the header `Origin`
 * @param host the header `Host`
 * @param allowed exact origins; if empty, pages of this machine and of the requested host are allowed, on any port
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.length > 0) return allowed.includes(origin);
  const hostname = hostnameOf(origin);
  if (hostname === undefined) return false;
  return loopback.includes(hostname) || hostname === hostnameOf(`http://${host ?? ''}`);
}

function hostnameOf(address: string): string | undefined {
  const url = URL.parse(address);
  return url !== null && /^https?:$/.test(url.protocol) ? url.hostname : undefined;
}

/** Who may watch all jobs. A single job needs no token: its id cannot be guessed. */
export interface AllJobsAccess {
  /** No token needed: outside of production. */
  readonly isOpen: boolean;
  /** Empty if none is configured. */
  readonly token: string;
}

/** Why a client with this token may not watch all jobs, or undefined if it may. */
export function refusalOfAllJobs(
  given: string | undefined,
  access: AllJobsAccess,
): Extract<SocketErrorCode, 'token_not_set' | 'token_required'> | undefined {
  if (access.isOpen) return undefined;
  if (access.token === '') return 'token_not_set';
  return given !== undefined && isToken(given, access.token) ? undefined : 'token_required';
}
