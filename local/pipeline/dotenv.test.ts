import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { readConfig } from '@image-pipeline/shared/config.ts';
import { whyHostIsRefused } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { webhookVariables } from '@image-pipeline/shared/webhooks/webhook-variables.ts';
import { expect, test } from 'vitest';
import { tempFolder } from '../../testing/temp-folder.ts';
import { ensureDotenv, readEnvironment, unknownNames } from './dotenv.ts';

test('.env is created once, from the example, with random secrets', async () => {
  await using folder = await tempFolder();
  await writeFile(
    join(folder.path, '.env.example'),
    '# Token.\nAPI_TOKEN=\nRABBITMQ_MONITORING_PASSWORD=\nRABBITMQ_ERLANG_COOKIE=\nGRAFANA_PASSWORD=\nWEBHOOK_SECRET=\nWORKERS=2\nEMPTY=\n',
  );
  expect(await ensureDotenv(folder.path)).toBe(true);
  const first = await readFile(join(folder.path, '.env'), 'utf8');
  expect(first).toMatch(
    /^# Token\.\nAPI_TOKEN=[0-9a-f]{64}\nRABBITMQ_MONITORING_PASSWORD=[0-9a-f]{64}\nRABBITMQ_ERLANG_COOKIE=[0-9a-f]{64}\nGRAFANA_PASSWORD=[0-9a-f]{64}\nWEBHOOK_SECRET=whsec_[\w+/]{43}=\nWORKERS=2\nEMPTY=\n$/,
  );
  expect(await ensureDotenv(folder.path)).toBe(false);
  expect(await readFile(join(folder.path, '.env'), 'utf8')).toBe(first);
});

test('names in .env that nothing reads are found', async () => {
  await using folder = await tempFolder();
  const file = (name: string) => join(folder.path, name);
  await writeFile(file('.env.example'), '# A setting.\nAPI_TOKEN=\n# workers at start-up\n# WORKERS=2\n');
  expect(await unknownNames(folder.path)).toEqual([]);
  await writeFile(file('.env'), 'API_TOKEN=a\n# OLD=1\nWORKER=3\nWORKERS=3\nCOMPOSE_FILE=a.yml\nworkers=3\n');
  expect(await unknownNames(folder.path)).toEqual(['WORKER', 'workers']);
});

test('the shell overrides .env, and a variable without a value is not set', async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, '.env'), 'PATH=/nowhere\nWORKERS=3\nEMPTY=\n');
  const env = await readEnvironment(folder.path);
  expect(env).toMatchObject({ PATH: process.env.PATH, WORKERS: '3' });
  expect(env).not.toHaveProperty('EMPTY');
});

test('the services accept the .env that is created from .env.example', async () => {
  await using folder = await tempFolder();
  await copyFile(join(import.meta.dirname, '../../.env.example'), join(folder.path, '.env.example'));
  await ensureDotenv(folder.path);
  const env = parseEnv(await readFile(join(folder.path, '.env'), 'utf8'));
  for (const name of [
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
  ]) {
    expect(env[name], name).toMatch(/^[0-9a-f]{64}$/);
  }
  const config = readConfig(webhookVariables, env);
  expect(config.WEBHOOK_SECRET).toHaveLength(1);
  expect(whyHostIsRefused(new URL('http://localhost:9000/'), config.WEBHOOK_ALLOWED_HOSTS)).toBeUndefined();
});
