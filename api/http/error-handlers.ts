import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { problemOf } from './problem.ts';
import { rememberedJobId } from './job-id.ts';
import { sendProblem } from './send-problem.ts';
import { traceIdOf } from './trace-request.ts';

export const nothingHere: RequestHandler = () => {
  throw new PipelineError('not_found', 'There is nothing at this address; /docs shows what there is.');
};

/** Turns whatever a route threw into its answer. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, _next) => {
    if (response.headersSent || request.socket.destroyed) {
      // In mid-answer, or nobody is there any more: a cut connection says it all.
      response.destroy();
      return;
    }
    const problem = problemOf(error);
    if (problem.code === 'internal_error') {
      const about = { job_id: rememberedJobId(response), trace_id: traceIdOf(response), path: request.path };
      log.error({ err: error, ...about }, 'a request failed');
    }
    sendProblem(request, response, problem);
  };
}
