import { pino, stdSerializers, type Logger as PinoLogger, type LoggerOptions } from 'pino';
import pretty from 'pino-pretty';
import { printable } from './printable.ts';
import { traceFields } from './tracing/spans.ts';

export type Logger = PinoLogger;

export const logFormats = ['pretty', 'json'] as const;
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface LogOptions {
  readonly format: (typeof logFormats)[number];
  readonly level: (typeof logLevels)[number];
}

/**
 * Maximum length of a string, and of a stack trace, in a log entry, in characters. Clients control paths, names and parts
 * of errors.
 */
const MAX_TEXT = 500;
const MAX_STACK = 4_000;

const bounded = {
  formatters: {
    log: (entry) =>
      Object.fromEntries(
        Object.entries(entry).map(([name, value]) => [
          name,
          typeof value === 'string' ? printable(value, MAX_TEXT) : value,
        ]),
      ),
  },
  hooks: {
    logMethod(given, method) {
      const parts = given.map((part: unknown) =>
        typeof part === 'string' ? printable(part, MAX_TEXT) : part,
      );
      Reflect.apply(method, this, parts);
    },
  },
  serializers: {
    err: (error: unknown) => {
      if (!(error instanceof Error)) return error;
      const { type, message, stack } = stdSerializers.err(error);
      const lines = stack.slice(0, MAX_STACK).split('\n');
      return {
        type,
        message: printable(message, MAX_TEXT),
        stack: lines.map((line) => printable(line, MAX_TEXT)).join('\n'),
      };
    },
  },
} satisfies LoggerOptions;

/**
 * A logger to standard output: each entry is a readable line (`pretty`) or a JSON object (`json`). Entries that belong to a
 * trace have its `trace_id`. Texts have a bounded length and no control characters.
 */
export function createLogger(service: string, options: LogOptions): Logger {
  const settings = { level: options.level, base: { service }, mixin: traceFields, ...bounded };
  if (options.format === 'json') return pino(settings);
  return pino(
    settings,
    pretty({
      colorize: process.stdout.isTTY,
      // With the date, so that lines of all services can be merged by time.
      translateTime: 'UTC:yyyy-mm-dd HH:MM:ss.l',
      ignore: 'service,pid,hostname',
      messageFormat: '{service}: {msg}',
      singleLine: true,
      sync: true,
    }),
  );
}
