import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import { LINGER_BYTES, LINGER_MS } from '@image-pipeline/shared/http/client-errors.ts';
import express, { type RequestHandler } from 'express';
import { z } from 'zod';

/** Errors of express's body parser. */
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
      else next(parserError(error, maxBytes));
    });
  };
}

function parserError(error: unknown, maxBytes: number): PipelineError {
  const { type, length } = parserProblem.safeParse(error).data ?? {};
  if (type === 'entity.too.large') return bodyTooLarge(maxBytes, length ?? maxBytes + 1);
  return new PipelineError('malformed_request', `Malformed JSON body: ${messageOf(error)}.`, {
    cause: error,
  });
}

/** @param seen bytes, announced or received */
export function bodyTooLarge(limit: number, seen: number): PipelineError {
  return new PipelineError(
    'body_too_large',
    `Request body too large: at least ${seen} bytes. Maximum: ${limit} bytes.`,
    { details: { limit, seen } },
  );
}

/**
 * Ends a response whose request is still being received, then the connection. Closing at once would reset the connection
 * and the sender would lose the response, so further data is read and dropped for a moment. The headers must contain
 * `Connection: close` and the length of `content`.
 */
export function endUnread(request: IncomingMessage, response: ServerResponse, content: string): void {
  let seen = 0;
  const finish = () => {
    clearTimeout(timer);
    request.off('data', count);
    response.end();
    request.socket.destroySoon();
  };
  const count = (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > LINGER_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  response.write(content);
  request.on('data', count);
  request.once('end', finish);
  // An earlier reader may have paused it.
  request.resume();
  request.once('close', () => clearTimeout(timer));
}
