import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { beginRequest } from '@image-pipeline/shared/tracing/http-spans.ts';
import { printable } from '@image-pipeline/shared/printable.ts';
import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import type { Request, RequestHandler, Response } from 'express';
import { LogSampler } from './log-sampler.ts';
import { jobIdOf } from './request.ts';

/** Runs a request in the trace that its header `traceparent` names, or in a new one. */
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

/** Polled every few seconds, so logged at debug level only. */
const quietRoutes: readonly string[] = [
  '/livez',
  '/readyz',
  '/metrics',
  '/server/status',
  '/server/status/debug',
  '/queue/status',
];

/** Maximum length of a path in a log line, in characters. */
const MAX_PATH = 200;
/** Log lines for refusals of one route with one status. */
const SAMPLE = { linesPerWindow: 20, windowMs: 10_000 } as const;

/** One log line and one count for each request; of many equal refusals, only the first are logged. */
export function observe(log: Logger, metrics: Metrics): RequestHandler {
  const refusals = new LogSampler({
    ...SAMPLE,
    onSuppressed: (kind, count) =>
      log.info(`${kind}: suppressed ${count} similar log lines in ${SAMPLE.windowMs / 1_000} s`),
  });
  return (request, response, next) => {
    const startedAt = performance.now();
    const close = bound(() => {
      const seconds = (performance.now() - startedAt) / 1_000;
      const { method } = request;
      const route = routeOf(request) ?? 'other';
      const status = response.headersSent ? String(response.statusCode) : 'aborted';
      metrics.increase('image_http_requests_total', { method: knownMethod(method), route, status });
      // 503 of /readyz is its regular response, not an error.
      if (status.startsWith('5') && route !== '/readyz') metrics.increase('image_http_server_errors_total');
      metrics.observe('image_http_request_duration_seconds', seconds, { method: knownMethod(method), route });
      if (response.statusCode >= 400 && !refusals.take(`${knownMethod(method)} ${route} ${status}`)) return;
      const jobId = recordedJobId(response);
      log[quietRoutes.includes(route) ? 'debug' : 'info'](
        { ...(jobId === undefined ? {} : { job_id: jobId }), ms: Math.round(seconds * 1_000) },
        `${method} ${printable(request.path, MAX_PATH)} ${status}`,
      );
    });
    response.once('close', close);
    next();
  };
}

/** The pattern that the path matched, e.g. `/status/:job_id`: clients must not be able to invent metric labels. */
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

/** Records the job id for log lines and problems, which no longer see the route's parameters. */
export const recordJobId: RequestHandler = (request, response, next) => {
  setJobId(response, jobIdSchema.safeParse(jobIdOf(request)).data);
  next();
};

/** The same for a job that is not in the path, e.g. of an upload. */
export function setJobId(response: Response, jobId: string | undefined): void {
  response.locals['jobId'] = jobId;
}

/** The id of the job that a request is about, if it is about one. */
export function recordedJobId(response: Response): string | undefined {
  const id: unknown = response.locals['jobId'];
  return typeof id === 'string' ? id : undefined;
}
