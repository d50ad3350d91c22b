import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../testing/temp-folder.ts';
import { ensureDotenv, readEnvironment } from './dotenv.ts';

test('.env is made once, from the example, with a token of its own', async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, '.env.example'), '# Token.\nAPI_TOKEN=\nWORKERS=2\nEMPTY=\n');
  expect(await ensureDotenv(folder.path)).toBe(true);
  const first = await readFile(join(folder.path, '.env'), 'utf8');
  expect(first).toMatch(/^# Token\.\nAPI_TOKEN=[0-9a-f]{64}\nWORKERS=2\nEMPTY=\n$/);
  expect(await ensureDotenv(folder.path)).toBe(false);
  expect(await readFile(join(folder.path, '.env'), 'utf8')).toBe(first);
});

test('what the shell sets wins over .env, and an empty line sets nothing', async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, '.env'), 'PATH=/nowhere\nWORKERS=3\nEMPTY=\n');
  const env = await readEnvironment(folder.path);
  expect(env).toMatchObject({ PATH: process.env.PATH, WORKERS: '3' });
  expect(env).not.toHaveProperty('EMPTY');
});
