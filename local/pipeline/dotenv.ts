import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** Makes `.env` from `.env.example`, with a random API_TOKEN, unless it is there. Returns whether it was made. */
export async function ensureDotenv(root: string): Promise<boolean> {
  const path = join(root, '.env');
  if (existsSync(path)) return false;
  const example = await readFile(join(root, '.env.example'), 'utf8');
  const token = randomBytes(32).toString('hex');
  // Readable by its owner only: it holds the token.
  await writeFile(path, example.replace(/^API_TOKEN=.*$/m, `API_TOKEN=${token}`), {
    mode: 0o600,
    flag: 'wx',
  });
  return true;
}

/** `.env` and the shell together; as with Compose, what the shell sets wins. An empty line sets nothing. */
export async function readEnvironment(root: string): Promise<NodeJS.ProcessEnv> {
  const path = join(root, '.env');
  const written = existsSync(path) ? parseEnv(await readFile(path, 'utf8')) : {};
  const set = Object.entries(written).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(set), ...process.env };
}
