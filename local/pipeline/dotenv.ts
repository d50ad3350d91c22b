import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** For webhook receivers on the same machine, which has another name in containers. */
const OWN_MACHINE = 'localhost,127.0.0.1,::1,host.docker.internal';

/** The settings that get random secrets of hexadecimal digits. */
export const HEX_SECRETS: readonly string[] = [
  'API_TOKEN',
  'RABBITMQ_API_PASSWORD',
  'RABBITMQ_WORKER_PASSWORD',
  'RABBITMQ_NOTIFICATION_PASSWORD',
  'RABBITMQ_MONITORING_PASSWORD',
  'MINIO_API_PASSWORD',
  'MINIO_WORKER_PASSWORD',
  'MINIO_NOTIFICATION_PASSWORD',
  'MINIO_MONITORING_PASSWORD',
  'RABBITMQ_ERLANG_COOKIE',
  'GRAFANA_PASSWORD',
];

/**
 * Creates `.env` from `.env.example` with random secrets, and allows webhook receivers on this machine. Does nothing if
 * `.env` exists. @returns whether it was created
 */
export async function ensureDotenv(root: string): Promise<boolean> {
  const path = join(root, '.env');
  if (existsSync(path)) return false;
  const example = await readFile(join(root, '.env.example'), 'utf8');
  const own = {
    ...Object.fromEntries(HEX_SECRETS.map((name) => [name, randomBytes(32).toString('hex')])),
    WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    WEBHOOK_ALLOWED_HOSTS: OWN_MACHINE,
  };
  let text = example;
  for (const [name, value] of Object.entries(own)) {
    text = text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`);
  }
  // Readable by its owner only, because it contains secrets.
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  return true;
}

/** Creates `.env` if it is missing, and warns about settings in it that nothing reads. */
export async function prepareDotenv(root: string): Promise<void> {
  if (await ensureDotenv(root)) console.log('Created .env with random secrets.');
  const unknown = await unknownNames(root);
  if (unknown.length > 0) {
    console.warn(`Unknown in .env, and ignored: ${unknown.join(', ')}. All settings are in .env.example.`);
  }
}

/**
 * The names in `.env` that nothing reads, such as misspelt ones. All that are read are in `.env.example`, often as a
 * comment; Compose reads some of its own.
 */
export async function unknownNames(root: string): Promise<readonly string[]> {
  const path = join(root, '.env');
  if (!existsSync(path)) return [];
  const example = await readFile(join(root, '.env.example'), 'utf8');
  const known = new Set([...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name));
  const names = Object.keys(parseEnv(await readFile(path, 'utf8')));
  return names.filter((name) => !known.has(name) && !/^(COMPOSE|DOCKER|OTEL)_/.test(name));
}

/** `.env` and the shell; as with Compose, the shell overrides `.env`. A variable without a value is not set. */
export async function readEnvironment(root: string): Promise<NodeJS.ProcessEnv> {
  const path = join(root, '.env');
  const fromFile = existsSync(path) ? parseEnv(await readFile(path, 'utf8')) : {};
  const set = Object.entries(fromFile).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(set), ...process.env };
}
