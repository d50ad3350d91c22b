import type { Request } from 'express';
import type { z } from 'zod';
import { invalidBySchema, invalidParameter } from './invalid-parameter.ts';

/**
 * The query of a request, checked.
 * @throws PipelineError `invalid_parameter`, for an unknown parameter too
 */
export function readQuery<Shape extends z.ZodRawShape>(
  request: Request,
  schema: z.ZodObject<Shape>,
): z.output<z.ZodObject<Shape>> {
  const allowed = Object.keys(schema.shape);
  const unknown = Object.keys(request.query).find((name) => !allowed.includes(name));
  if (unknown !== undefined) {
    throw invalidParameter(
      unknown.slice(0, 100),
      `there is no such parameter; there are ${allowed.join(', ')}`,
      {
        allowed,
      },
    );
  }
  const parsed = schema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  throw invalidBySchema('', parsed.error);
}
