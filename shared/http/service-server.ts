import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Startable } from '../lifecycle.ts';
import type { Metrics } from '../metrics.ts';
import { listen } from './listen.ts';
import { listOfRoutes } from './list-of-routes.ts';

/** What a route answers; the body is sent as JSON, a text as it is. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  /** One line for the list at `GET /`. */
  readonly description: string;
  readonly handle: (request: IncomingMessage) => Answer | Promise<Answer>;
}

export interface ServiceServerOptions {
  /** The name of the service, for people. */
  readonly service: string;
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

/** `/` (the list of all addresses), `/livez`, `/readyz`, `/metrics` and a few routes of a service whose work is not HTTP. */
export function createServiceServer(options: ServiceServerOptions): ServiceServer {
  const routes = withCommonRoutes(options);
  const server = createServer((request, response) => {
    answer(request, response, routes).catch((error: unknown) => {
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
  routes: Readonly<Record<string, Route>>,
): Promise<void> {
  const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname;
  const { method = 'GET' } = request;
  const here = Object.entries(routes).filter(([name]) => name.endsWith(` ${path ?? ''}`));
  const route = here.find(([name]) => name.startsWith(method === 'HEAD' ? 'GET ' : `${method} `));
  if (route !== undefined) {
    const { status, body, headers } = await route[1].handle(request);
    send(response, status, body, headers);
  } else if (here.length > 0) {
    const allowed = here.map(([name]) => name.split(' ')[0]).join(', ');
    send(response, 405, { error: `This address supports only ${allowed}.` }, { Allow: allowed });
  } else {
    const known = Object.keys(routes).join(', ');
    send(response, 404, { error: `Unknown address. Available: ${known}.` });
  }
}

/** The routes of a service together with those that every service has. */
function withCommonRoutes({
  service,
  notReadyBecause,
  metrics,
  routes = {},
}: ServiceServerOptions): Readonly<Record<string, Route>> {
  const all: Record<string, Route> = {
    'GET /': { description: 'This list.', handle: (request) => listOfRoutes(request, service, all) },
    ...routes,
    'GET /livez': {
      description: 'Whether the process responds.',
      handle: () => ({ status: 200, body: { status: 'ok' } }),
    },
    'GET /readyz': {
      description: 'Whether the service is ready, and if not, why.',
      handle: () => readiness(notReadyBecause()),
    },
    'GET /metrics': {
      description: 'Metrics for Prometheus.',
      handle: async () => ({
        status: 200,
        body: await metrics.render(),
        headers: { 'Content-Type': metrics.contentType },
      }),
    },
  };
  return all;
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
  response.end(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(cut);
}
