import { whyUnauthorized } from '@image-pipeline/shared/access-token.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';

/** Requires the bearer token; where none is configured, refuses every request. */
export function requireToken(token: string): RequestHandler {
  return (request, response, next) => {
    const refusal = whyUnauthorized(request.headers.authorization, token);
    if (refusal?.code === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer');
    next(refusal);
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
