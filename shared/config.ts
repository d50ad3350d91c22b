import { z } from 'zod';

/** One setting (environment variable): its schema, default and description. */
export interface Variable<Value> {
  /** Parses the text; every error is reported with `form` and `example`. */
  readonly schema: z.ZodType<Value, string>;
  /** As written in `.env`. */
  readonly default: string;
  /** What is allowed, e.g. `a whole number from 1 to 64`. */
  readonly form: string;
  readonly example: string;
  /** One line for `.env.example`. */
  readonly description: string;
  /** Its value is never shown. */
  readonly isSecret?: boolean;
}

export type Variables = Readonly<Record<string, Variable<unknown>>>;

export type ConfigOf<Table extends Variables> = {
  readonly [Name in keyof Table]: Table[Name] extends Variable<infer Value> ? Value : never;
};

/** Invalid configuration: the process exits with code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:
${problems.map((problem) => `  - ${problem}`).join('\n')}
Set the variables in .env or in the environment; .env.example explains each.`);
    this.problems = problems;
  }
}

/** Former names of settings. A value under a former name would be ignored silently. */
const renamed: Readonly<Record<string, string>> = {
  RETRY_LADDER: 'RETRY_DELAYS',
  WEBHOOK_RETRY_LADDER: 'WEBHOOK_RETRY_DELAYS',
  API_HOST: 'LISTEN_HOST',
  NOTIFICATION_HOST: 'LISTEN_HOST',
  MONITORING_HOST: 'LISTEN_HOST',
  WORKER_HOST: 'LISTEN_HOST',
  EVENTS_RESUMABLE: 'JOBS_REMEMBERED',
};

/**
 * Reads and validates a table of settings from the environment. An empty value means the default.
 * @param check validates combinations of values; returns problems, each a sentence that names the variables
 * @throws ConfigError with all problems at once
 */
export function readConfig<Table extends Variables>(
  table: Table,
  env: Readonly<Record<string, string | undefined>>,
  check: (config: ConfigOf<Table>) => readonly string[] = () => [],
): ConfigOf<Table> {
  const problems = Object.entries(renamed)
    .filter(([old]) => (env[old] ?? '') !== '')
    .map(([old, name]) => `${old} has been renamed to ${name}.`);
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(table)) {
    const given = env[name] === undefined || env[name] === '' ? variable.default : env[name];
    const parsed = variable.schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else {
      const seen = variable.isSecret === true ? 'set (not shown), but' : `"${given}", but`;
      problems.push(`${name} is ${seen} must be ${variable.form}, for example ${variable.example}`);
    }
  }
  if (problems.length === 0) problems.push(...check(values as ConfigOf<Table>));
  if (problems.length > 0) throw new ConfigError(problems);
  return values as ConfigOf<Table>;
}

interface NumberOptions {
  min: number;
  max: number;
  default: number;
  description: string;
}

/** A whole number in a range, with an optional unit for people, e.g. `bytes`. */
export function wholeNumber(options: NumberOptions & { unit?: string }): Variable<number> {
  return numberOf(/^\d{1,15}$/, 'a whole number', options);
}

/** A duration in seconds, decimals allowed. */
export function seconds(options: NumberOptions): Variable<number> {
  return numberOf(/^\d{1,9}(\.\d{1,6})?$/, 'a number', { ...options, unit: 'seconds' });
}

/** A port; 0 takes any free one. */
export function port(fallback: number, description: string): Variable<number> {
  return wholeNumber({ min: 0, max: 65_535, default: fallback, description });
}

function numberOf(
  pattern: RegExp,
  kind: string,
  { min, max, unit, ...options }: NumberOptions & { unit?: string },
): Variable<number> {
  return {
    schema: z.string().regex(pattern).transform(Number).pipe(z.number().min(min).max(max)),
    default: String(options.default),
    form: `${kind} from ${min} to ${max}${unit === undefined ? '' : ` (${unit})`}`,
    example: String(options.default),
    description: options.description,
  };
}

export function choice<const Value extends string>(options: {
  values: readonly [Value, ...Value[]];
  default: Value;
  description: string;
}): Variable<Value> {
  return {
    schema: z.enum(options.values),
    default: options.default,
    form: `one of ${options.values.join(', ')}`,
    example: options.values[0],
    description: options.description,
  };
}

/** Any text; an empty default makes it optional. */
export function text(options: {
  default: string;
  form: string;
  example: string;
  description: string;
}): Variable<string> {
  return { schema: z.string(), ...options };
}

/** An address of one of these protocols, e.g. `['http', 'https']`. */
export function address(options: {
  protocols: readonly [string, ...string[]];
  default: string;
  description: string;
}): Variable<string> {
  const allowed = options.protocols.map((protocol) => `${protocol}://`).join(' or ');
  return {
    schema: z.url({ protocol: new RegExp(`^(${options.protocols.join('|')})$`) }),
    default: options.default,
    form: `a URL that starts with ${allowed}`,
    example: options.default,
    description: options.description,
  };
}

/** A base URL of links that are shown to clients, without a trailing slash; may be empty. */
export function publicAddress(protocol: 'http' | 'ws', description: string): Variable<string> {
  return {
    schema: z
      .union([z.literal(''), z.url({ protocol: new RegExp(`^${protocol}s?$`) })])
      .transform((url) => url.replace(/\/+$/, '')),
    default: '',
    form: `empty, or a URL that starts with ${protocol}:// or ${protocol}s://`,
    example: `${protocol}s://images.example.org`,
    description,
  };
}
