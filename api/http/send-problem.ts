import type { Request, Response } from 'express';
import type { Problem } from './problem.ts';
import { secondsToWait } from './problem.ts';
import { rememberedJobId } from './job-id.ts';
import { traceIdOf } from './trace-request.ts';
import { endUnread, isBodyUnread } from './unread-body.ts';

/** Answers with problem details. What it is about, path, job and trace, is added here. */
export function sendProblem(request: Request, response: Response, problem: Problem): void {
  const jobId = rememberedJobId(response);
  const content = `${JSON.stringify({
    ...problem,
    instance: request.path,
    ...(jobId === undefined ? {} : { job_id: jobId }),
    trace_id: traceIdOf(response),
  })}\n`;
  const retryAfter = secondsToWait(problem);
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  response.status(problem.status);
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Length', Buffer.byteLength(content));
  if (isBodyUnread(request)) {
    response.setHeader('Connection', 'close');
    endUnread(request, response, content);
  } else {
    response.end(content);
  }
}
