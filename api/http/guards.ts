import { bearerToken, isToken } from '@image-pipeline/shared/access-token.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';

/** Requires the bearer token; where none is configured, refuses every request. */
export function requireToken(token: string): RequestHandler {
  return (request, response, next) => {
    if (token === '') {
      throw new PipelineError(
        'token_not_set',
        'No token is configured. "make up" creates .env with one. Without make: set API_TOKEN in .env to the output of "openssl rand -hex 32", then "docker-compose up -d".',
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
        ? 'Missing token. Send the header "Authorization: Bearer $API_TOKEN".'
        : 'Invalid token. Send "Authorization: Bearer $API_TOKEN" with the value from .env.',
    );
  };
}

/**
 * Limits the requests of one address (one /56 in IPv6). Sets the headers `RateLimit`, `RateLimit-Policy` and, on refusal,
 * `Retry-After`.
 */
export function limitRate(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // TRUSTED_PROXIES says which proxies are trusted; other forwarding headers are ignored.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    handler: (_request, _response, next) => {
      next(
        new PipelineError(
          'rate_limited',
          `Too many uploads. Limit: ${perMinute} per minute per client address.`,
          {
            details: { limit: perMinute },
          },
        ),
      );
    },
  });
}

export function refuseWhileUnavailable(whyUnavailable: () => PipelineError | undefined): RequestHandler {
  return (_request, _response, next) => {
    next(whyUnavailable());
  };
}
