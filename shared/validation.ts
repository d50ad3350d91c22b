import { inspect } from 'node:util';
import { z } from 'zod';
import { PipelineError } from './errors.ts';
import { printable } from './printable.ts';

/** One thing that is wrong with a value. */
export interface Problem {
  /** Where, e.g. `operations[0].width`; empty: the value itself. */
  readonly path: string;
  /** What is allowed and what was given, e.g. `must be a whole number from 1 to 8192, but is 0`. */
  readonly message: string;
  /** What is allowed, for programs: names or values, the bounds of a number, or a text; undefined for a rule between members. */
  readonly allowed?: unknown;
}

export type Validated<Value> =
  | { readonly data: Value; readonly problems?: undefined }
  | { readonly data?: undefined; readonly problems: readonly [Problem, ...Problem[]] };

/** Validates untrusted input. The problems are written for its sender. */
export function validate<Value>(schema: z.ZodType<Value>, value: unknown): Validated<Value> {
  // Zod keeps only the message of an issue. Equal messages allow the same.
  const allowedBy = new Map<string, unknown>();
  const error = (issue: z.core.$ZodRawIssue) => {
    const { message, allowed } = explain(issue) ?? {};
    if (message !== undefined) allowedBy.set(message, allowed);
    return message;
  };
  const parsed = schema.safeParse(value, { error });
  if (parsed.success) return { data: parsed.data };
  const [first = { path: '', message: 'is invalid' }, ...others] = parsed.error.issues
    .flatMap(closestIssues)
    .map((issue) => {
      const { message } = issue;
      return {
        path: pathOf(issue),
        message,
        ...(allowedBy.has(message) && { allowed: allowedBy.get(message) }),
      };
    });
  return { problems: [first, ...others] };
}

/**
 * For a value of a union without a discriminator: the issues of the option with the fewest, among those that only members
 * violate. If there is none, the value has the wrong type, and the issue of the union lists the right ones.
 */
function closestIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const [closest] = issue.errors
    .filter((issues) => issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'))
    .sort((one, other) => one.length - other.length);
  if (closest === undefined) return [issue];
  return closest.flatMap((inner) => closestIssues({ ...inner, path: [...issue.path, ...inner.path] }));
}

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

/**
 * The first thing that a schema found wrong, e.g. with the parameter `operations[0].width`.
 * @param parameter the validated value; empty: the members of a body or query
 */
export function invalidBySchema(
  parameter: string,
  [{ path, message, allowed }]: readonly [Problem, ...Problem[]],
  details: Readonly<Record<string, unknown>> = {},
): PipelineError {
  const isMember = parameter !== '' && path !== '' && !path.startsWith('[');
  const name = `${parameter}${isMember ? '.' : ''}${path}` || 'body';
  return invalidParameter(name, message, { ...(allowed !== undefined && { allowed }), ...details });
}

/** Problems beyond these are only counted. */
const MAX_DESCRIBED = 3;

/** The first problems in one line, e.g. `size: must be a whole number of at least 1, but is missing; name: …; and 7 more`. */
export function describeProblems(problems: readonly Problem[]): string {
  const described = problems
    .slice(0, MAX_DESCRIBED)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = problems.length - described.length;
  return [...described, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Longer names and values are cut. */
const MAX_SHOWN = 100;

/** If a member is unknown, the path leads to that member. */
function pathOf(issue: z.core.$ZodIssue): string {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const steps = [...issue.path, ...unknown].map((step) =>
    typeof step === 'number' ? `[${step}]` : `.${printable(String(step), MAX_SHOWN)}`,
  );
  return steps.join('').replace(/^\./, '');
}

/** The problem of a member, parameter or field that is not among the allowed ones. */
export function describeUnknown(allowed: readonly string[]): string {
  const toDo = allowed.length === 0 ? 'Remove it' : 'Correct its name or remove it';
  return `is unknown. Allowed: ${allowed.join(', ') || 'none'}. ${toDo}`;
}

/** Zod's own messages do not say what was given, and name only the bound that was exceeded. */
function explain(issue: z.core.$ZodRawIssue): Pick<Problem, 'message' | 'allowed'> | undefined {
  const { schema, input } = issue;
  if (issue.code === 'custom') return undefined;
  if (issue.code === 'unrecognized_keys') {
    const allowed = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    return { message: describeUnknown(allowed), allowed };
  }
  if (schema instanceof z.ZodDiscriminatedUnion && issue.code === 'invalid_union') {
    const { discriminator, options } = schema.def;
    const allowed = options.flatMap((option) => [...(option._zod.propValues?.[discriminator] ?? [])]);
    const given = seen(memberOf(input, discriminator));
    return { message: `must be ${choiceOf(allowed)}, but is ${given}`, allowed };
  }
  const form = schema && z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const text = form === undefined ? 'valid' : describeForm(form);
  return { message: `must be ${text}, but is ${seen(input)}`, allowed: (form && listForm(form)) ?? text };
}

/** The allowed values or bounds, if the form is a choice or a number with both bounds. */
function listForm(form: z.core.JSONSchema.BaseSchema): unknown {
  const choices = (form.anyOf ?? form.oneOf ?? [form]).flatMap((option) => option.enum ?? [option.const]);
  if (choices.every((choice) => choice !== undefined)) return choices;
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = form;
  const isBounded = minimum > Number.MIN_SAFE_INTEGER && maximum < Number.MAX_SAFE_INTEGER;
  return isBounded ? { minimum, maximum } : undefined;
}

function describeForm(form: z.core.JSONSchema.BaseSchema): string {
  const options = form.anyOf ?? form.oneOf;
  if (options !== undefined) return [...new Set(options.map(describeForm))].join(' or ');
  if (form.$ref !== undefined) return 'a JSON object'; // only objects have ids
  if (form.const !== undefined) return String(form.const);
  if (form.enum !== undefined) return choiceOf(form.enum);
  switch (form.type) {
    case 'integer':
      return `a whole number${range(form)}`;
    case 'number':
      return `a number${range(form)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${sizes(form.minItems, form.maxItems, 'item')}`;
    case 'object':
      return 'a JSON object';
    case 'null':
      return 'null';
    case 'string':
      return describeText(form);
    case undefined:
    default:
      return 'valid';
  }
}

const formats: Readonly<Record<string, string>> = {
  'date-time': 'an ISO 8601 timestamp with a time zone, for example 2026-03-02T10:15:30Z',
  uri: 'a URL',
  uuid: 'a UUID',
};

function describeText({ format = '', pattern, minLength, maxLength }: z.core.JSONSchema.BaseSchema): string {
  const known = formats[format];
  if (known !== undefined) return known;
  return pattern === undefined
    ? `a text${sizes(minLength, maxLength, 'character')}`
    : `a text that matches ${pattern}`;
}

function range({ minimum, maximum, exclusiveMinimum }: z.core.JSONSchema.BaseSchema): string {
  const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (exclusiveMinimum !== undefined) return ` greater than ${exclusiveMinimum}`;
  return bounds(least, most);
}

function sizes(least: number | undefined, most: number | undefined, unit: string): string {
  const size = bounds(least, most).replace(/^ from /, ' of ');
  return size === '' ? '' : `${size} ${unit}${(most ?? least) === 1 ? '' : 's'}`;
}

function bounds(least: number | undefined, most: number | undefined): string {
  if (least === undefined) return most === undefined ? '' : ` of at most ${most}`;
  return most === undefined ? ` of at least ${least}` : ` from ${least} to ${most}`;
}

function choiceOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : value;
}

/** A long text may be a secret or a whole file. */
function seen(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') {
    return value.length > MAX_SHOWN ? `a text of ${value.length} characters` : `"${printable(value)}"`;
  }
  if (Array.isArray(value)) return `a list of ${value.length} item${value.length === 1 ? '' : 's'}`;
  return typeof value === 'object' && value !== null ? 'an object' : inspect(value);
}
