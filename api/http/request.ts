import { networkOf } from '@image-pipeline/shared/http/connection-limits.ts';
import { refuseManyParameters } from '@image-pipeline/shared/http/http-server.ts';
import {
  describeUnknown,
  invalidBySchema,
  invalidParameter,
  validate,
} from '@image-pipeline/shared/validation.ts';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';

/** Refuses requests with too many query parameters, or some that are not in `schema`; undefined: none is allowed. */
export function refuseUnknownParameters(schema: z.ZodObject | undefined): RequestHandler {
  const allowed = Object.keys(schema?.shape ?? {});
  return (request, _response, next) => {
    refuseManyParameters(request);
    const unknown = Object.keys(request.query).find((name) => !allowed.includes(name));
    if (unknown === undefined) {
      next();
      return;
    }
    throw invalidParameter(unknown.slice(0, 100), describeUnknown(allowed), { allowed });
  };
}

/**
 * The query of a request, checked.
 * @throws PipelineError `invalid_parameter`
 */
export function readQuery<Shape extends z.ZodRawShape>(
  request: Request,
  schema: z.ZodObject<Shape>,
): z.output<z.ZodObject<Shape>> {
  const { data, problems } = validate(schema, request.query);
  if (problems !== undefined) throw invalidBySchema('', problems);
  return data;
}

/**
 * A whole number in a query: parsed from text, documented as an integer. The default is only in the description, because
 * Swagger UI would fill in and send a `default`.
 */
export function wholeNumber(minimum: number, maximum: number, fallback: number, description: string) {
  return z
    .unknown()
    .transform((text) => (typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : text))
    .pipe(z.int().min(minimum).max(maximum))
    .prefault(String(fallback))
    .meta({
      description: `${description} Default: ${fallback}.`,
      override: { type: 'integer', minimum, maximum, default: undefined, pattern: undefined },
    });
}

/** The query parameter `cursor` and the member `next_cursor` of every list. */
export const cursorMeta = { description: 'The `next_cursor` of the page before.' } as const;
export const nextCursorSchema = z
  .string()
  .nullable()
  .meta({ description: 'For the next page; null on the last one.' });

/** The path parameter `job_id` in lower case; may be any text. */
export function jobIdOf(request: Request): string {
  const id = request.params['job_id'];
  return typeof id === 'string' ? id.toLowerCase() : '';
}

/** The client's address (one /56 in IPv6), behind the trusted proxies. */
export function clientAddress(request: Request): string {
  return networkOf(request.ip);
}

/** Aborts when the client closes the connection. */
export function clientGone(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
