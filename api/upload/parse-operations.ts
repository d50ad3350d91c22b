import { whyNotDrawable } from '@image-pipeline/shared/contracts/drawable-text.ts';
import {
  filterSchema,
  type Operation,
  MAX_OPERATIONS,
  resizeFits,
  resizeSchema,
  watermarkPositions,
  watermarkSchema,
} from '@image-pipeline/shared/contracts/operations.ts';
import type { PipelineError } from '@image-pipeline/shared/errors.ts';
import { printable } from '@image-pipeline/shared/printable.ts';
import { invalidBySchema, invalidParameter, validate } from '@image-pipeline/shared/validation.ts';
import { z } from 'zod';

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
const filterParameters: ReadonlyMap<string, string | undefined> = new Map(
  filterSchema.options.map(({ shape }) => [
    shape.name.value,
    Object.keys(shape).find((key) => key !== 'type' && key !== 'name'),
  ]),
);

/** Everything that is allowed; part of every error whose `allowed` does not come from a schema. */
const allowedOperations = {
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
function invalidOperation(parameter: string, problem: string): PipelineError {
  return invalidParameter(parameter, problem, { allowed: allowedOperations });
}

/** Characters. */
const MAX_QUOTED = 100;

const countSchema = z.array(z.unknown()).min(1).max(MAX_OPERATIONS);

/**
 * Reads the field `operations` of an upload, in any of its forms:
 *
 * - names: `resize,watermark`
 * - names with arguments: `resize:800x600,watermark:Hello,filter:blur:5` (see `expandShortOperation`). A comma always
 *   starts the next operation, so a text with a comma needs the third form.
 * - a JSON list, each item an object of the contract or one operation in the short form.
 *
 * @throws PipelineError `invalid_parameter`, with what is wrong and what is allowed
 */
export function parseOperations(text: string): Operation[] {
  const given = text.trim() === '' ? DEFAULT_OPERATIONS : text.trim();
  const items = /^[[{]/.test(given) ? parseList(given) : given.split(',');
  const { problems } = validate(countSchema, items);
  if (problems !== undefined) throw invalidOperation('operations', problems[0].message);
  return items.map((item, index) => parseOperation(item, `operations[${index}]`));
}

function parseList(json: string): unknown[] {
  try {
    const list: unknown = JSON.parse(json);
    if (Array.isArray(list)) return list;
  } catch {
    // Reported below.
  }
  throw invalidOperation('operations', 'must be a JSON list or comma-separated names');
}

function parseOperation(item: unknown, parameter: string): Operation {
  const asked = typeof item === 'string' ? expandShortOperation(item, parameter) : item;
  if (!isRecord(asked)) {
    throw invalidOperation(parameter, 'must be an object or a string');
  }
  const memberOf = (name: string) => (typeof item === 'string' ? parameter : `${parameter}.${name}`);
  const kind = kindOf(asked['type'], memberOf('type'));
  const { schema, defaults, main } = operationKinds[kind];
  const operation = main.some((key) => asked[key] !== undefined) ? asked : { ...defaults, ...asked };
  if (kind === 'filter') refuseUnknownFilter(operation['name'], memberOf('name'));
  const { data, problems } = validate<Operation>(schema, operation);
  if (problems !== undefined) {
    throw invalidBySchema(parameter, problems, { takes: parametersOf(kind, operation['name']) });
  }
  if (data.type === 'watermark') refuseUndrawableText(data.text, parameter);
  return data;
}

function kindOf(type: unknown, parameter: string): OperationKind {
  if (typeof type === 'string' && Object.hasOwn(operationKinds, type)) return type as OperationKind;
  throw unknownName('operation', type, allowedOperations.operations, parameter);
}

function refuseUnknownFilter(name: unknown, parameter: string): void {
  if (typeof name === 'string' && filterParameters.has(name)) return;
  throw unknownName('filter', name, allowedOperations.filters, parameter);
}

function refuseUndrawableText(text: string, parameter: string): void {
  const problem = whyNotDrawable(text);
  if (problem !== undefined) throw invalidOperation(`${parameter}.text`, problem);
}

function unknownName(what: string, given: unknown, known: readonly string[], parameter: string): Error {
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const problem = given === undefined ? 'is missing' : `unknown ${what} "${printable(text, MAX_QUOTED)}"`;
  return invalidOperation(parameter, `${problem}. Allowed: ${known.join(', ')}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SIZE = /^(?<width>\d+)?(?:x(?<height>\d+)?)?$/;
const NUMBER = /^\d+(\.\d+)?$/;

/**
 * Expands one operation in the short form to an object of the contract. Ranges are not checked.
 *
 *     resize | resize:800x600 | resize:800 | resize:x600 | resize:800x600:cover
 *     watermark | watermark:any text, colons too
 *     filter | filter:sepia | filter:blur:5 | filter:brightness:1.5
 *
 * @throws PipelineError `invalid_parameter` where the form itself is wrong
 */
function expandShortOperation(text: string, parameter: string): Record<string, unknown> {
  const [type, rest] = splitAtColon(text.trim());
  if (type === '') {
    throw invalidOperation(parameter, 'is empty; use JSON for text with commas');
  }
  if (rest === undefined) return { type };
  switch (type) {
    case 'resize':
      return { type, ...readResize(rest, parameter) };
    case 'watermark':
      return { type, text: rest };
    case 'filter':
      return { type, ...readFilter(rest, parameter) };
    default:
      return { type };
  }
}

function readResize(rest: string, parameter: string): Record<string, unknown> {
  const [size, fit] = splitAtColon(rest);
  const { width, height } = SIZE.exec(size)?.groups ?? {};
  if (width === undefined && height === undefined) {
    throw invalidOperation(
      parameter,
      `invalid size "${printable(size, MAX_QUOTED)}". Write 800x600, 800 (width) or x600 (height)`,
    );
  }
  return {
    ...(width === undefined ? {} : { width: Number(width) }),
    ...(height === undefined ? {} : { height: Number(height) }),
    ...(fit === undefined ? {} : { fit }),
  };
}

function readFilter(rest: string, parameter: string): Record<string, unknown> {
  const [name, amount] = splitAtColon(rest);
  if (amount === undefined || !filterParameters.has(name)) return { name };
  const key = filterParameters.get(name);
  if (key === undefined) {
    throw invalidOperation(parameter, `the filter ${name} has no parameter`);
  }
  if (!NUMBER.test(amount)) {
    throw invalidOperation(
      parameter,
      `the ${key} of ${name} must be a number, not "${printable(amount, MAX_QUOTED)}"`,
    );
  }
  return { name, [key]: Number(amount) };
}

function splitAtColon(text: string): [head: string, tail: string | undefined] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text, undefined] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}
