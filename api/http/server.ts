import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listen } from '@image-pipeline/shared/http/listen.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { answerUnreadable } from './answer-unreadable.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How long requests in hand may take when the server stops, in milliseconds. */
  readonly patienceMs: number;
}

export interface HttpServer extends Startable {
  /** The port that was taken. */
  readonly port: number;
}

const TIMEOUTS = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 2_000,
} as const;
/** Connections become idle while the server stops; they are closed this often. */
const SWEEP_MS = 50;

/** Listens, and stops by letting requests in hand end. */
export function createHttpServer(app: RequestListener, options: HttpServerOptions): HttpServer {
  const server = createServer(TIMEOUTS, app);
  // The application says "continue" itself, once it knows that it wants the body.
  server.on('checkContinue', app);
  answerUnreadable(server);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () => (starting ??= listen(server, { ...options, portsToTry: 1 })),
    stop: () => (stopping ??= close(server, options.patienceMs)),
  };
}

async function close(server: Server, patienceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
