import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { beginRequest } from '@image-pipeline/shared/tracing/http-spans.ts';
import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import type { Request, RequestHandler, Response } from 'express';
import { jobIdOf } from './request.ts';

/** Everything about a request is a part of the trace that its header `traceparent` names, or of a new one. */
export const traceRequest: RequestHandler = (request, response, next) => {
  const method = knownMethod(request.method);
  const span = beginRequest(method, request.headers.traceparent, quietRoutes.includes(request.path));
  response.locals['traceId'] = span.traceId;
  response.once('close', () => {
    const { path } = request;
    const status = response.headersSent ? response.statusCode : undefined;
    span.end({ method, route: routeOf(request), path, status });
  });
  span.during(next);
};

/** The trace that a request belongs to. */
export function traceIdOf(response: Response): string | undefined {
  const id: unknown = response.locals['traceId'];
  return typeof id === 'string' ? id : undefined;
}

/** Asked by machines every few seconds: not worth a line each. */
const quietRoutes: readonly string[] = [
  '/livez',
  '/readyz',
  '/metrics',
  '/server/status',
  '/server/status/debug',
  '/queue/status',
];

/** One log line and one count for each request. */
export function observe(log: Logger, metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const close = bound(() => {
      const seconds = (performance.now() - startedAt) / 1_000;
      const { method } = request;
      const route = routeOf(request) ?? 'other';
      const status = response.headersSent ? String(response.statusCode) : 'aborted';
      metrics.increase('image_http_requests_total', { method: knownMethod(method), route, status });
      // Not to be ready is an answer, and no error.
      if (status.startsWith('5') && route !== '/readyz') metrics.increase('image_http_server_errors_total');
      metrics.observe('image_http_request_duration_seconds', seconds, { method: knownMethod(method), route });
      const jobId = recordedJobId(response);
      log[quietRoutes.includes(route) ? 'debug' : 'info'](
        { ...(jobId === undefined ? {} : { job_id: jobId }), ms: Math.round(seconds * 1_000) },
        `${method} ${request.path} ${status}`,
      );
    });
    response.once('close', close);
    next();
  };
}

/** The pattern that the path matched, e.g. `/status/:job_id`: labels must not be made up by callers. */
function routeOf(request: Request): string | undefined {
  const route: unknown = request.route;
  if (typeof route === 'object' && route !== null && 'path' in route && typeof route.path === 'string') {
    return route.path;
  }
  return undefined;
}

function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'DELETE'].includes(method) ? method : 'other';
}

/** Keeps the job id for the log and for problems, which see the request when its route has been left. */
export const recordJobId: RequestHandler = (request, response, next) => {
  setJobId(response, jobIdSchema.safeParse(jobIdOf(request)).data);
  next();
};

/** The same for a job that the path does not name: that of an upload. */
export function setJobId(response: Response, jobId: string | undefined): void {
  response.locals['jobId'] = jobId;
}

/** The id of the job that a request is about, if it is about one. */
export function recordedJobId(response: Response): string | undefined {
  const id: unknown = response.locals['jobId'];
  return typeof id === 'string' ? id : undefined;
}
