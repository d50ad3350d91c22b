import { pino, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';
import { traceFields } from './tracing/spans.ts';

export type Logger = PinoLogger;

export const logFormats = ['pretty', 'json'] as const;
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface LogOptions {
  readonly format: (typeof logFormats)[number];
  readonly level: (typeof logLevels)[number];
}

/**
 * A logger to standard output: each entry is a readable line (`pretty`) or a JSON object (`json`). Entries that belong to a
 * trace have its `trace_id`.
 */
export function createLogger(service: string, options: LogOptions): Logger {
  const settings = { level: options.level, base: { service }, mixin: traceFields };
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
