import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** For students, who try a receiver on their own machine; containers have another name for it. */
const OWN_MACHINE = 'localhost,127.0.0.1,::1,host.docker.internal';

/**
 * Makes `.env` from `.env.example`, with random secrets, and with receivers of webhooks on this machine allowed, unless
 * it is there. Returns whether it was made.
 */
export async function ensureDotenv(root: string): Promise<boolean> {
  const path = join(root, '.env');
  if (existsSync(path)) return false;
  const example = await readFile(join(root, '.env.example'), 'utf8');
  const own = {
    API_TOKEN: randomBytes(32).toString('hex'),
    RABBITMQ_MONITORING_PASSWORD: randomBytes(32).toString('hex'),
    RABBITMQ_ERLANG_COOKIE: randomBytes(32).toString('hex'),
    GRAFANA_PASSWORD: randomBytes(32).toString('hex'),
    WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    WEBHOOK_ALLOWED_HOSTS: OWN_MACHINE,
  };
  let text = example;
  for (const [name, value] of Object.entries(own)) {
    text = text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`);
  }
  // Readable by its owner only: it holds secrets.
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  return true;
}

/** `.env` and the shell together; as with Compose, what the shell sets wins. An empty line sets nothing. */
export async function readEnvironment(root: string): Promise<NodeJS.ProcessEnv> {
  const path = join(root, '.env');
  const written = existsSync(path) ? parseEnv(await readFile(path, 'utf8')) : {};
  const set = Object.entries(written).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(set), ...process.env };
}
