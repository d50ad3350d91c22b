import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { z } from 'zod';

/** @param details what helps to get it right, e.g. `{ allowed: ['png', 'jpeg'] }` */
export function invalidParameter(
  parameter: string,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
): PipelineError {
  return new PipelineError('invalid_parameter', `${parameter}: ${problem}`, {
    details: { parameter, ...details },
  });
}

/** The first thing that a schema found wrong, e.g. with the parameter `operations[0].width`. */
export function invalidBySchema(
  parameter: string,
  error: z.ZodError,
  details: Readonly<Record<string, unknown>> = {},
): PipelineError {
  const issue = error.issues[0];
  const path = (issue?.path ?? []).map((step) =>
    typeof step === 'number' ? `[${step}]` : `.${String(step)}`,
  );
  return invalidParameter(
    `${parameter}${path.join('')}`.replace(/^\./, ''),
    issue?.message ?? 'is not valid',
    details,
  );
}
