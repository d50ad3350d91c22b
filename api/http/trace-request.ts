import { beginRequest } from '@image-pipeline/shared/tracing/http-spans.ts';
import type { RequestHandler, Response } from 'express';
import { knownMethod, quietRoutes, routeOf } from './observe.ts';

/** Everything about a request is a part of the trace that its header `traceparent` names, or of a new one. */
export const traceRequest: RequestHandler = (request, response, next) => {
  const method = knownMethod(request.method);
  const inHand = beginRequest(method, request.headers.traceparent, quietRoutes.includes(request.path));
  response.locals['traceId'] = inHand.traceId;
  response.once('close', () => {
    const { path } = request;
    const status = response.headersSent ? response.statusCode : undefined;
    inHand.end({ method, route: routeOf(request), path, status });
  });
  inHand.during(next);
};

/** The trace that a request belongs to. */
export function traceIdOf(response: Response): string | undefined {
  const id: unknown = response.locals['traceId'];
  return typeof id === 'string' ? id : undefined;
}
