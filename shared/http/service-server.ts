import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Startable } from '../lifecycle.ts';
import type { Metrics } from '../metrics.ts';
import { listen } from './listen.ts';

/** What a route answers; the body is sent as JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (request: IncomingMessage) => Answer | Promise<Answer>;

export interface ServiceServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How many ports to try, from `port` upwards, while they are taken. */
  readonly portsToTry: number;
  /** Why the service is not ready, or undefined when it is. */
  readonly notReadyBecause: () => string | undefined;
  readonly metrics: Metrics;
  /** What the service answers besides, by method and path: `GET /status`. */
  readonly routes?: Readonly<Record<string, Route>>;
}

export interface ServiceServer extends Startable {
  /** For protocols that share the port. */
  readonly server: Server;
  /** The port that was taken. */
  readonly port: number;
}

/** `/livez`, `/readyz`, `/metrics` and a few routes of a service whose work is not HTTP. */
export function createServiceServer(options: ServiceServerOptions): ServiceServer {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      send(response, 500, { error: messageOf(error) });
    });
  });
  server.headersTimeout = 15_000;
  server.requestTimeout = 60_000;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    server,
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () => (starting ??= listen(server, options)),
    stop: () => (stopping ??= close(server)),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServiceServerOptions,
): Promise<void> {
  const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname;
  const { method = 'GET' } = request;
  const routes = Object.entries(options.routes ?? {}).filter(([name]) => name.endsWith(` ${path ?? ''}`));
  const route = routes.find(([name]) => name.startsWith(method === 'HEAD' ? 'GET ' : `${method} `));
  if (route !== undefined) {
    const { status, body, headers } = await route[1](request);
    send(response, status, body, headers);
  } else if (routes.length > 0 || (method !== 'GET' && method !== 'HEAD')) {
    const allowed = routes.map(([name]) => name.split(' ')[0]).join(', ') || 'GET';
    send(response, 405, { error: `only ${allowed} is answered here` }, { Allow: allowed });
  } else if (path === '/livez') {
    send(response, 200, { status: 'ok' });
  } else if (path === '/readyz') {
    const { status, body } = readiness(options.notReadyBecause());
    send(response, status, body);
  } else if (path === '/metrics') {
    response.writeHead(200, { 'Content-Type': options.metrics.contentType });
    response.end(await options.metrics.render());
  } else {
    const known = ['/livez', '/readyz', '/metrics', ...Object.keys(options.routes ?? {})];
    send(response, 404, { error: `this address is not known; try ${known.join(', ')}` });
  }
}

/** What `/readyz` answers in every service. */
export function readiness(notReadyBecause: string | undefined) {
  return notReadyBecause === undefined
    ? { status: 200, body: { status: 'ready' } }
    : { status: 503, body: { status: 'not_ready', reason: notReadyBecause } };
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Answer['headers'] = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(cut);
}
