import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PipelineError } from '../errors.ts';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { beginRequest } from '../tracing/http-spans.ts';
import {
  closeServer,
  isBodyUnread,
  listen,
  respondToClientErrors,
  setSecurityHeaders,
} from './http-server.ts';
import { listOfRoutes } from './list-of-routes.ts';
import { commonProblem, PROBLEM_TYPE } from './problem.ts';

/** For requests in progress when the server stops. */
const DRAIN_TIMEOUT_MS = 5_000;

/** The response of a route. The body is sent as JSON, except for a string, which is sent as it is. */
export interface RouteResponse {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  /** One line for the list at `GET /`. */
  readonly description: string;
  /** Whether each request is a span of its trace. Do not set it for what is polled every few seconds. */
  readonly isTraced?: boolean;
  /** May throw a PipelineError with a code of `commonStatuses`. */
  readonly handle: (request: IncomingMessage) => RouteResponse | Promise<RouteResponse>;
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
  /** Routes of this service only, by method and path: `GET /status`. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** For unexpected errors. */
  readonly log: Pick<Logger, 'error'>;
}

export interface ServiceServer extends Startable {
  /** For protocols that share the port. */
  readonly server: Server;
  /** The port that was taken. */
  readonly port: number;
}

/**
 * The HTTP server of a service whose work is not HTTP: `/` (a list of all addresses), `/livez`, `/readyz`, `/metrics` and a
 * few routes of its own. Every error is problem details, like those of the API.
 */
export function createServiceServer(options: ServiceServerOptions): ServiceServer {
  const routes = withCommonRoutes(options);
  const server = createServer((request, response) => {
    setSecurityHeaders(request, response, () => void respond(request, response, routes, options.log));
  });
  server.headersTimeout = 15_000;
  server.requestTimeout = 60_000;
  respondToClientErrors(server);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    server,
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () => (starting ??= listen(server, options)),
    stop: () => (stopping ??= closeServer(server, DRAIN_TIMEOUT_MS)),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
  log: ServiceServerOptions['log'],
): Promise<void> {
  const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname ?? '/';
  const { method = 'GET' } = request;
  const sameRoute = method === 'HEAD' ? `GET ${path}` : `${method} ${path}`;
  const route = Object.hasOwn(routes, sameRoute) ? routes[sameRoute] : undefined;
  const span = beginRequest(method, request.headers.traceparent, route?.isTraced !== true);
  try {
    if (route === undefined) throw noRoute(path, routes);
    const { status, body, headers } = await route.handle(request);
    send(response, status, body, headers);
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      // The client is gone, or has part of the response already.
      response.destroy();
      return;
    }
    const problem = commonProblem(error);
    if (problem.code === 'internal_error') {
      log.error({ err: error, trace_id: span.traceId, path }, 'a request failed');
    }
    send(
      response,
      problem.status,
      { ...problem, instance: path, trace_id: span.traceId },
      {
        'Content-Type': PROBLEM_TYPE,
        'Cache-Control': 'no-store',
        ...(problem.code === 'unauthorized' && { 'WWW-Authenticate': 'Bearer' }),
        ...(problem.code === 'upgrade_required' && { Upgrade: 'websocket', Connection: 'Upgrade' }),
        ...(problem.code === 'method_not_allowed' && { Allow: methodsOf(path, routes).join(', ') }),
        // The rest of the body must not be taken for the next request.
        ...(isBodyUnread(request) && { Connection: 'close' }),
      },
    );
  } finally {
    const status = response.headersSent ? response.statusCode : undefined;
    span.end({ method, route: route && path, path, status });
  }
}

function noRoute(path: string, routes: Readonly<Record<string, Route>>): PipelineError {
  const allowed = methodsOf(path, routes);
  if (allowed.length === 0) {
    const addresses = Object.keys(routes).join(', ');
    return new PipelineError('not_found', `Unknown path. Available endpoints: ${addresses}.`);
  }
  const message = `Method not allowed. Allowed: ${allowed.join(', ')}.`;
  return new PipelineError('method_not_allowed', message, { details: { allowed } });
}

function methodsOf(path: string, routes: Readonly<Record<string, Route>>): string[] {
  return Object.keys(routes)
    .filter((name) => name.endsWith(` ${path}`))
    .flatMap((name) => (name.startsWith('GET ') ? ['GET', 'HEAD'] : (name.split(' ')[0] ?? [])));
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

/** The response of `/readyz` in every service. */
export function readiness(notReadyBecause: string | undefined) {
  return notReadyBecause === undefined
    ? { status: 200, body: { status: 'ready' } }
    : { status: 503, body: { status: 'not_ready', reason: notReadyBecause } };
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: RouteResponse['headers'] = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers });
  response.end(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
}
