import type { IncomingMessage, ServerResponse } from 'node:http';
import { PipelineError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { beginRequest } from '../tracing/http-spans.ts';
import { describeUnknown, invalidParameter } from '../validation.ts';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
  isBodyUnread,
  refuseEncodedBody,
  refuseManyParameters,
  setSecurityHeaders,
} from './http-server.ts';
import { refuseForeignHost } from './allowed-hosts.ts';
import { listOfRoutes } from './list-of-routes.ts';
import { commonProblem, PROBLEM_TYPE } from './problem.ts';

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
  /** Names of the parameters that the query may have; by default, none. */
  readonly query?: readonly string[];
  /** May throw a PipelineError with a code of `commonStatuses`. */
  readonly handle: (request: IncomingMessage) => RouteResponse | Promise<RouteResponse>;
}

export interface ServiceServerOptions extends HttpServerOptions {
  /** The name of the service, for people. */
  readonly service: string;
  /** Why the service is not ready, or undefined when it is. */
  readonly notReadyBecause: () => string | undefined;
  /** Host names besides localhost; see `refuseForeignHost`. */
  readonly allowedHosts?: readonly string[];
  readonly metrics: Metrics;
  /** Routes of this service only, by method and path: `GET /status`. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** For unexpected errors. */
  readonly log: Pick<Logger, 'error'>;
}

/**
 * The HTTP server of a service whose work is not HTTP: `/` (a list of all addresses), `/livez`, `/readyz`, `/metrics` and a
 * few routes of its own. Every error is problem details, like those of the API.
 */
export function createServiceServer(options: ServiceServerOptions): HttpServer {
  const routes = withCommonRoutes(options);
  return createHttpServer((request, response) => {
    setSecurityHeaders(request, response, () => void respond(request, response, routes, options));
  }, options);
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
  { log, allowedHosts = [] }: Pick<ServiceServerOptions, 'log' | 'allowedHosts'>,
): Promise<void> {
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  const path = url?.pathname ?? '/';
  const { method = 'GET' } = request;
  const sameRoute = method === 'HEAD' ? `GET ${path}` : `${method} ${path}`;
  const route = Object.hasOwn(routes, sameRoute) ? routes[sameRoute] : undefined;
  const span = beginRequest(method, request.headers.traceparent, route?.isTraced !== true);
  try {
    refuseForeignHost(request, allowedHosts);
    refuseManyParameters(request);
    if (route === undefined) throw noRoute(path, routes);
    refuseUnknownParameters(url?.searchParams.keys() ?? [], route.query ?? []);
    refuseEncodedBody(request);
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

function refuseUnknownParameters(given: Iterable<string>, allowed: readonly string[]): void {
  const unknown = [...given].find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  throw invalidParameter(unknown.slice(0, 100), describeUnknown(allowed), { allowed });
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
