import { bearerToken, isToken } from '@image-pipeline/shared/access-token.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';

/** Lets only those pass who have the token. */
export function requireToken(token: string): RequestHandler {
  return (request, response, next) => {
    const given = bearerToken(request.headers.authorization);
    if (given !== undefined && isToken(given, token)) {
      next();
      return;
    }
    response.setHeader('WWW-Authenticate', 'Bearer');
    throw new PipelineError(
      'unauthorized',
      given === undefined
        ? 'This call needs the header "Authorization: Bearer $API_TOKEN".'
        : 'This is not the token.',
    );
  };
}
