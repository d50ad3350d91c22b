import { once } from 'node:events';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import helmet from 'helmet';
import { ConfigError } from '../config.ts';
import { PipelineError } from '../errors.ts';
import { commonProblem, PROBLEM_TYPE } from './problem.ts';

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
  throw new ConfigError([`${ports} already in use. Stop the program that uses it, or set another port`]);
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** Responses are data and load nothing; routes that serve pages set a policy of their own. */
export const setSecurityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  // A proxy that terminates TLS decides about it.
  strictTransportSecurity: false,
});

/** Whether the client is still sending, or about to send, a body. */
export function isBodyUnread({ headers, complete, destroyed }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return hasBody && !complete && !destroyed;
}

/** Connections become idle while a server stops; they are closed this often. */
const SWEEP_MS = 50;

/** Stops listening and lets requests in progress finish; after `drainTimeoutMs`, closes their connections. */
export async function closeServer(server: Server, drainTimeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

/** Responds to requests that are malformed or time out with problem details, and closes their connections. */
export function respondToClientErrors(server: Server): void {
  const newest = new WeakMap<Duplex, ServerResponse>();
  const remember = (request: IncomingMessage, response: ServerResponse) =>
    newest.set(request.socket, response);
  server.prependListener('request', remember);
  server.prependListener('checkContinue', remember);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const hasResponse = newest.get(socket)?.headersSent ?? false;
    if (hasResponse || !socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(clientErrorResponse(error.code));
  });
}

function clientErrorResponse(code: string | undefined): string {
  const problem = commonProblem(
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new PipelineError('request_timeout', 'The request timed out before it was received completely.')
      : new PipelineError('malformed_request', 'Malformed HTTP request.'),
  );
  return rawResponse(problem.status, { 'Content-Type': PROBLEM_TYPE }, problem);
}

/** A response as text, for a socket without a ServerResponse. The body is sent as JSON; the connection closes. */
export function rawResponse(
  status: number,
  headers: Readonly<Record<string, string | number>>,
  body: unknown,
): string {
  const content = `${JSON.stringify(body)}\n`;
  const all = { ...headers, 'Content-Length': Buffer.byteLength(content), Connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', content].join('\r\n');
}
