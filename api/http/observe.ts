import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import type { Request, RequestHandler } from 'express';
import { rememberedJobId } from './job-id.ts';

/** Asked by machines every few seconds: not worth a line each. */
export const quietRoutes: readonly string[] = [
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
      const jobId = rememberedJobId(response);
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
export function routeOf(request: Request): string | undefined {
  const route: unknown = request.route;
  if (typeof route === 'object' && route !== null && 'path' in route && typeof route.path === 'string') {
    return route.path;
  }
  return undefined;
}

export function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'DELETE'].includes(method) ? method : 'other';
}
