import type { PipelineError } from '@image-pipeline/shared/errors.ts';
import { invalidParameter } from '../http/invalid-parameter.ts';
import { allowedOperations } from './operation-kinds.ts';

/** @param parameter e.g. `operations[0]` */
export function invalidOperation(parameter: string, problem: string): PipelineError {
  return invalidParameter(parameter, problem, { allowed: allowedOperations });
}
