import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const USAGE_ERROR = 2;

export interface MonitorOptions {
  /** Address of the monitoring service, without `/status`. */
  readonly url: string;
  /** Seconds between two polls. */
  readonly interval: number;
  readonly json: boolean;
  readonly once: boolean;
}

/** The options of the command line, or the exit code after help or a usage error. */
export function readMonitorOptions(
  { name, description }: { readonly name: string; readonly description: string },
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): MonitorOptions | { readonly exitCode: number } {
  const command = new Command(name)
    .description(description)
    .option(
      '--url <address>',
      'monitoring service (default: MONITORING_URL, or MONITORING_PORT on this machine)',
      asUrl,
    )
    .option('--interval <seconds>', 'seconds between two polls', asSeconds, 1)
    .option('--once', 'poll once and exit', false)
    .option('--json', 'print each snapshot as one line of JSON', false)
    .addHelpText(
      'after',
      '\nPress q or Ctrl-C to quit. Without a terminal, one line is printed per interval. NO_COLOR disables colours.\n' +
        'Variables are read from the environment, then from .env of the project.\n' +
        'Exit codes: 0 ok, 1 error, 2 usage, 3 metrics are stale or the service is unreachable.',
    )
    .allowExcessArguments(false)
    .exitOverride();
  try {
    command.parse(args, { from: 'user' });
    const options = command.opts<Omit<MonitorOptions, 'url'> & { readonly url?: string }>();
    return { ...options, url: options.url ?? urlIn(env, command) };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode === 0 ? 0 : USAGE_ERROR };
  }
}

function urlIn(env: NodeJS.ProcessEnv, command: Command): string {
  const found = addressIn(env);
  if ('url' in found) return found.url;
  return command.error(`error: ${found.variable} is "${found.given}", but must be ${found.form}`);
}

function asUrl(given: string): string {
  const url = monitorAddress(given);
  if (url === undefined) {
    throw new InvalidArgumentError('It must be an address such as http://localhost:8002.');
  }
  return url;
}

function asSeconds(given: string): number {
  const seconds = Number(given);
  if (!/^\d+(\.\d+)?$/.test(given) || seconds < 0.2 || seconds > 3_600) {
    throw new InvalidArgumentError('It must be a number of seconds from 0.2 to 3600.');
  }
  return seconds;
}

const DEFAULT_PORT = '8002';

/** `.env` of the project, if there is one, overridden by the environment. */
export function monitorEnvironment(root: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = join(root, '.env');
  const written = existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
  return { ...written, ...env };
}

/** The address of the monitoring service, without `/status`; undefined if it is invalid. */
export function monitorAddress(given: string): string | undefined {
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? '')) return undefined;
  return given.replace(/\/+$/, '').replace(/\/+status$/, '');
}

/** The address from the environment, or the variable that is invalid. */
export function addressIn(
  env: NodeJS.ProcessEnv,
): { readonly url: string } | { readonly variable: string; readonly given: string; readonly form: string } {
  const { MONITORING_URL: address, MONITORING_PORT: port } = env;
  if (address) {
    const url = monitorAddress(address);
    const form = 'an address such as http://localhost:8002';
    return url === undefined ? { variable: 'MONITORING_URL', given: address, form } : { url };
  }
  const number = Number(port || DEFAULT_PORT);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return { url: `http://localhost:${number}` };
  return { variable: 'MONITORING_PORT', given: port ?? '', form: 'a whole number from 1 to 65535' };
}
