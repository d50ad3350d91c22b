import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import helmet from 'helmet';
import { ConfigError } from '../config.ts';
import { PipelineError } from '../errors.ts';
import type { Startable } from '../lifecycle.ts';
import { respondToClientErrors } from './client-errors.ts';
import { limitConnections, type ConnectionLimits } from './connection-limits.ts';

export interface HttpServerOptions extends Partial<ConnectionLimits> {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How many ports to try, from `port` upwards, while they are in use. */
  readonly portsToTry: number;
  /** How long a connection without a request stays open, in milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** Timeout for the headers of a request, in milliseconds. */
  readonly headersTimeoutMs?: number;
  /** Timeout for a whole request, in milliseconds. */
  readonly requestTimeoutMs?: number;
  /** How long requests in flight may take after `stop`, in milliseconds. */
  readonly drainTimeoutMs?: number;
}

export interface HttpServer extends Startable {
  /** For protocols that share the port. */
  readonly server: Server;
  /** The port that the server listens on. */
  readonly port: number;
}

const MAX_CONNECTIONS = 4_000;
/** How often request timeouts are checked, at least. */
const CHECK_MS = 1_000;
/** Longer than the longest long poll; a peer that is silent for so long is gone. */
const SILENCE_MS = 120_000;

/** Listens, within limits on connections; responds to every client error with problem details; `stop` lets requests in flight finish. */
export function createHttpServer(handle: RequestListener, options: HttpServerOptions): HttpServer {
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 60_000, drainTimeoutMs = 5_000 } = options;
  const { maxConnections = MAX_CONNECTIONS } = options;
  const server: Server = createServer(
    {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeoutMs, requestTimeoutMs),
      // Other upgrades, such as h2c, are ignored: the request is served as HTTP/1.1.
      shouldUpgradeCallback: ({ headers, socket }) => {
        const isUpgraded =
          server.listenerCount('upgrade') > 0 && headers.upgrade?.toLowerCase() === 'websocket';
        if (isUpgraded) onUpgraded(socket);
        return isUpgraded;
      },
    },
    handle,
  );
  server.timeout = SILENCE_MS;
  // Unknown expectations may be ignored.
  server.on('checkExpectation', handle);
  respondToClientErrors(server);
  const onUpgraded = limitConnections(server, {
    maxConnections,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? Math.ceil(maxConnections / 2),
  });
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    server,
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () => (starting ??= listen(server, options)),
    stop: () => (stopping ??= closeServer(server, drainTimeoutMs)),
  };
}

/**
 * Listens on `port`, or on the next free one where `portsToTry` allows.
 * @throws ConfigError that names the ports when all are taken
 */
async function listen(server: Server, { host, port, portsToTry }: HttpServerOptions): Promise<void> {
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

/** Connections become idle while a server stops; they are closed this often. */
const SWEEP_MS = 50;

/** Stops listening and lets requests in progress finish; after `drainTimeoutMs`, closes their connections. */
async function closeServer(server: Server, drainTimeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
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
export function isBodyUnread(request: IncomingMessage): boolean {
  return hasBody(request) && !request.complete && !request.destroyed;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A URL of the maximum length has room for fewer ids. */
const MAX_PARAMETERS = 500;

/** Counts the parameters of a query before they are parsed. @throws PipelineError `invalid_parameter` */
export function refuseManyParameters({ url = '' }: IncomingMessage): void {
  if (url.split('&', MAX_PARAMETERS + 1).length <= MAX_PARAMETERS) return;
  throw new PipelineError('invalid_parameter', `Too many query parameters. Maximum: ${MAX_PARAMETERS}.`, {
    details: { limit: MAX_PARAMETERS },
  });
}

/** @throws PipelineError `unsupported_encoding` if the body is compressed */
export function refuseEncodedBody(request: IncomingMessage): void {
  const given = request.headers['content-encoding'] ?? '';
  const codings = given.split(',').map((coding) => coding.trim().toLowerCase());
  if (!hasBody(request) || codings.every((coding) => coding === '' || coding === 'identity')) return;
  throw new PipelineError(
    'unsupported_encoding',
    `Unsupported Content-Encoding: ${given.slice(0, 100)}. Send the body uncompressed.`,
    { details: { allowed: ['identity'], seen: given.slice(0, 100) } },
  );
}
