import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer, listen, respondToClientErrors } from '@image-pipeline/shared/http/http-server.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Timeout for the headers of a request, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** Timeout for a whole request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long requests in flight may take after `stop`, in milliseconds. */
  readonly drainTimeoutMs: number;
}

export interface HttpServer extends Startable {
  /** The port that the server listens on. */
  readonly port: number;
}

/** How often request timeouts are checked. */
const CHECK_MS = 1_000;
/** Longer than the longest long poll; a peer that is silent for so long is gone. */
const SILENCE_MS = 120_000;

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
  respondToClientErrors(server);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () => (starting ??= listen(server, { ...options, portsToTry: 1 })),
    stop: () => (stopping ??= closeServer(server, options.drainTimeoutMs)),
  };
}
