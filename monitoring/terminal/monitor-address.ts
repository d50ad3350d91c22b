import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const DEFAULT_PORT = '8002';

/** `.env` of the project, where there is one, and the environment, which wins. An empty line sets nothing. */
export function monitorEnvironment(root: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = join(root, '.env');
  const written = existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
  return { ...written, ...env };
}

/** The address of the monitoring service, without `/status`; undefined where it is none. */
export function monitorAddress(given: string): string | undefined {
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? '')) return undefined;
  return given.replace(/\/+$/, '').replace(/\/+status$/, '');
}

/** The address that the environment tells, or which of its variables tells none. */
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
