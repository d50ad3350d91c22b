import { inspect } from 'node:util';
import { z } from 'zod';
import { printable } from './printable.ts';

/** One thing that is wrong with a value. */
export interface Problem {
  /** Where, e.g. `operations[0].width`; empty: the value itself. */
  readonly path: string;
  /** What is allowed and what was given, e.g. `must be a whole number from 1 to 8192, but is 0`. */
  readonly message: string;
}

export type Validated<Value> =
  | { readonly data: Value; readonly problems?: undefined }
  | { readonly data?: undefined; readonly problems: readonly [Problem, ...Problem[]] };

/** Parses a value that somebody else wrote. The problems are written for that person. */
export function validate<Value>(schema: z.ZodType<Value>, value: unknown): Validated<Value> {
  const parsed = schema.safeParse(value, { error: explain });
  if (parsed.success) return { data: parsed.data };
  const [first = { path: '', message: 'is invalid' }, ...others] = parsed.error.issues.map((issue) => ({
    path: pathOf(issue),
    message: issue.message,
  }));
  return { problems: [first, ...others] };
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

/** Zod's own messages do not say what was given, and name only the bound that was exceeded. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'custom') return undefined;
  if (issue.code === 'unrecognized_keys') {
    const allowed = issue.schema instanceof z.ZodObject ? Object.keys(issue.schema.shape) : [];
    return `is unknown. Allowed: ${allowed.join(', ') || 'none'}`;
  }
  const { schema, input } = issue;
  if (schema instanceof z.ZodDiscriminatedUnion && issue.code === 'invalid_union') {
    const { discriminator, options } = schema.def;
    const names = options.flatMap((option) => [...(option._zod.propValues?.[discriminator] ?? [])]);
    return `must be ${choiceOf(names)}, but is ${seen(memberOf(input, discriminator))}`;
  }
  const form = schema === undefined ? 'valid' : formOf(schema);
  const given = seen(input);
  return form === 'a JSON object' && given === 'an object'
    ? 'is a JSON object, but in none of the allowed forms'
    : `must be ${form}, but is ${given}`;
}

function formOf(schema: z.core.$ZodType): string {
  return describeForm(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
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
