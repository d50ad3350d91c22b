import {
  filterSchema,
  resizeFits,
  resizeSchema,
  watermarkPositions,
  watermarkSchema,
} from '@image-pipeline/shared/contracts/operations.ts';
import type { PipelineError } from '@image-pipeline/shared/errors.ts';
import { invalidParameter } from '../http/request.ts';

/** The operations, and the defaults of each where none of its main parameters is given. */
export const operationKinds = {
  resize: { schema: resizeSchema, defaults: { width: 800, height: 600 }, main: ['width', 'height'] },
  watermark: { schema: watermarkSchema, defaults: { text: 'image pipeline' }, main: ['text'] },
  filter: { schema: filterSchema, defaults: { name: 'grayscale' }, main: ['name'] },
} as const;

export type OperationKind = keyof typeof operationKinds;

/** The operations of an upload whose field `operations` is missing or empty. */
export const DEFAULT_OPERATIONS = 'resize,watermark';

/** Each filter with the name of its one parameter, if it has one. */
export const filterParameters: ReadonlyMap<string, string | undefined> = new Map(
  filterSchema.options.map(({ shape }) => [
    shape.name.value,
    Object.keys(shape).find((key) => key !== 'type' && key !== 'name'),
  ]),
);

/** Everything that is allowed; part of every error about operations. */
export const allowedOperations = {
  operations: Object.keys(operationKinds),
  filters: [...filterParameters.keys()],
  fits: resizeFits,
  positions: watermarkPositions,
  spellings: [
    DEFAULT_OPERATIONS,
    'resize:800x600:cover,watermark:Hello,filter:blur:5',
    '[{"type":"watermark","text":"Hello, world","position":"center"},"filter:sepia"]',
  ],
} as const;

/** The parameters of an operation, without its type. */
export function parametersOf(kind: OperationKind, name: unknown): readonly string[] {
  switch (kind) {
    case 'resize':
      return Object.keys(resizeSchema.shape).slice(1);
    case 'watermark':
      return Object.keys(watermarkSchema.shape).slice(1);
    case 'filter': {
      const parameter = typeof name === 'string' ? filterParameters.get(name) : undefined;
      return ['name', ...(parameter === undefined ? [] : [parameter])];
    }
  }
}

/** @param parameter e.g. `operations[0]` */
export function invalidOperation(parameter: string, problem: string): PipelineError {
  return invalidParameter(parameter, problem, { allowed: allowedOperations });
}
