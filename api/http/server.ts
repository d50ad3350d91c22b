import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { listen } from '@image-pipeline/shared/http/listen.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { problemOf } from './problem.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Time-out for the headers of a request, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** Time-out for a whole request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long requests in flight may take after `stop`, in milliseconds. */
  readonly drainTimeoutMs: number;
}

export interface HttpServer extends Startable {
  /** The port that the server listens on. */
  readonly port: number;
}

/** How often request time-outs are checked. */
const CHECK_MS = 1_000;
/** Longer than the longest long poll; a peer that is silent for so long is gone. */
const SILENCE_MS = 120_000;
/** Connections become idle while the server stops; they are closed this often. */
const SWEEP_MS = 50;

/** Listens; `stop` lets requests in flight finish. */
export function createHttpServer(app: RequestListener, options: HttpServerOptions): HttpServer {
  const { headersTimeoutMs, requestTimeoutMs } = options;
  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeoutMs, requestTimeoutMs),
    },
    app,
  );
  server.timeout = SILENCE_MS;
  // The application sends "100 Continue" itself once it wants the body.
  server.on('checkContinue', app);
  rejectMalformed(server);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () => (starting ??= listen(server, { ...options, portsToTry: 1 })),
    stop: () => (stopping ??= close(server, options.drainTimeoutMs)),
  };
}

async function close(server: Server, drainTimeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

/** Sends a problem for a malformed or timed-out request, then closes the connection. */
function rejectMalformed(server: Server): void {
  const newest = new WeakMap<Duplex, ServerResponse>();
  const remember = (request: IncomingMessage, response: ServerResponse) =>
    newest.set(request.socket, response);
  server.prependListener('request', remember);
  server.prependListener('checkContinue', remember);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isResponseSent = newest.get(socket)?.headersSent ?? false;
    if (isResponseSent || !socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(rawResponse(error.code));
  });
}

function rawResponse(code: string | undefined): string {
  const problem = problemOf(
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new PipelineError('request_timeout', 'The request timed out before it was received completely.')
      : new PipelineError('malformed_request', 'Malformed HTTP request.'),
  );
  const content = `${JSON.stringify(problem)}\n`;
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(content)}`,
    'Connection: close',
    '',
    content,
  ].join('\r\n');
}
