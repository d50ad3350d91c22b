import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { isBodyUnread } from '@image-pipeline/shared/http/http-server.ts';
import { PROBLEM_TYPE } from '@image-pipeline/shared/http/problem.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { recordedJobId, traceIdOf } from './observe.ts';
import { type ApiProblem, problemOf, secondsToWait } from './problem.ts';
import { endUnread } from './request-body.ts';

/** Sends problem details. Adds what they are about: path, job and trace. */
export function sendProblem(request: Request, response: Response, problem: ApiProblem): void {
  const jobId = recordedJobId(response);
  const content = `${JSON.stringify({
    ...problem,
    instance: request.path,
    ...(jobId === undefined ? {} : { job_id: jobId }),
    trace_id: traceIdOf(response),
  })}\n`;
  const retryAfter = secondsToWait(problem);
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  response.status(problem.status);
  response.setHeader('Content-Type', PROBLEM_TYPE);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Length', Buffer.byteLength(content));
  if (isBodyUnread(request)) {
    response.setHeader('Connection', 'close');
    endUnread(request, response, content);
  } else {
    response.end(content);
  }
}

export const notFoundHandler: RequestHandler = () => {
  throw new PipelineError('not_found', 'Not found. See /docs for all endpoints.');
};

/** Sends whatever a route threw as a problem. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, _next) => {
    if (response.headersSent || request.socket.destroyed) {
      // The response has begun, or the client is gone: only closing the connection is left.
      response.destroy();
      return;
    }
    // The server itself has responded, e.g. to a malformed chunk.
    if (!request.socket.writable) return;
    const problem = problemOf(error);
    if (problem.code === 'internal_error') {
      const about = { job_id: recordedJobId(response), trace_id: traceIdOf(response), path: request.path };
      log.error({ err: error, ...about }, 'a request failed');
    }
    sendProblem(request, response, problem);
  };
}
