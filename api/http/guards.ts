import { bearerToken, isToken } from '@image-pipeline/shared/access-token.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';

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

/**
 * Bounds the requests of one address (of one /56 in IPv6), with the headers `RateLimit`, `RateLimit-Policy` and, where
 * one is refused, `Retry-After`.
 */
export function limitRate(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // Which proxies are believed is our setting; a header by others is not our error.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    handler: (_request, _response, next) => {
      next(
        new PipelineError('rate_limited', `One address may start ${perMinute} uploads in a minute.`, {
          details: { limit: perMinute },
        }),
      );
    },
  });
}

export function refuseWhileUnavailable(whyUnavailable: () => PipelineError | undefined): RequestHandler {
  return (_request, _response, next) => {
    next(whyUnavailable());
  };
}
