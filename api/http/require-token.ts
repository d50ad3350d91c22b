import { bearerToken, isToken } from '@image-pipeline/shared/access-token.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';

/** Lets only those pass who have the token; where none is configured, nobody. */
export function requireToken(token: string): RequestHandler {
  return (request, response, next) => {
    if (token === '') {
      throw new PipelineError(
        'token_not_set',
        'This call needs a token, and none is configured: set API_TOKEN in .env to the output of "openssl rand -hex 32" and start the API anew.',
      );
    }
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
