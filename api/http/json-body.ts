import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import express, { type RequestHandler } from 'express';
import { z } from 'zod';
import { bodyTooLarge } from '../upload/form-body.ts';

/** What express's parser tells of a body that it cannot read. */
const parserProblem = z.object({ type: z.string(), length: z.number().optional() });

/**
 * Reads a body as JSON, whatever type it claims to be: `curl -d` says that it is a form.
 * @param maxBytes a longer body is refused with `body_too_large`
 */
export function jsonBody(maxBytes: number): RequestHandler {
  const parse: RequestHandler = express.json({ limit: maxBytes, type: () => true });
  return (request, response, next) => {
    parse(request, response, (error?: unknown) => {
      if (error === undefined) next();
      else next(problemOf(error, maxBytes));
    });
  };
}

function problemOf(error: unknown, maxBytes: number): PipelineError {
  const { type, length } = parserProblem.safeParse(error).data ?? {};
  if (type === 'entity.too.large') return bodyTooLarge(maxBytes, length ?? maxBytes + 1);
  return new PipelineError('malformed_request', `The body cannot be read as JSON: ${messageOf(error)}.`, {
    cause: error,
  });
}
