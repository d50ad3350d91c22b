import {
  operationsSchema,
  outputSchema,
  type InputType,
} from '@image-pipeline/shared/contracts/operations.ts';
import type { Engine } from '../../engine/engine.ts';
import { defaultImageLimits } from '../../engine/image-limits.ts';
import { processImage, type ProcessedImage } from '../process-image.ts';

export interface TaskChanges {
  /** Options as an upload has them; by default, one operation that inverts the image. */
  readonly operations?: readonly object[];
  readonly output?: object;
}

/** Processes an image file with the default limits. */
export function process(
  engine: Engine,
  bytes: Buffer,
  contentType: InputType,
  { operations = [{ type: 'filter', name: 'invert' }], output = {} }: TaskChanges = {},
): Promise<ProcessedImage> {
  const task = {
    bytes,
    contentType,
    operations: operationsSchema.parse(operations),
    output: outputSchema.parse(output),
    limits: defaultImageLimits,
  };
  return processImage(task, engine);
}
