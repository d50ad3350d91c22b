import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';

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
