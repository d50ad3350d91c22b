import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testVhost } from '../testing/test-broker.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Vhost } from '../testing/vhost.ts';

let vhost: Vhost;
let folder: string;

beforeAll(async () => {
  vhost = await testVhost();
  folder = await mkdtemp(join(tmpdir(), 'monitoring-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await vhost.delete();
});

function run(env: Record<string, string>): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...process.env, MONITORING_PORT: '0', STORE: 'folder', STORE_FOLDER: folder, ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  return { child, output: () => text };
}

it('runs until SIGTERM, then exits with 0', async () => {
  const { child, output } = run({
    RABBITMQ_URL: vhost.amqpUrl,
    RABBITMQ_MANAGEMENT_URL: vhost.managementUrl,
  });
  while (!output().includes('monitoring started')) await once(child.stdout ?? child, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit'), output()).toEqual([0, null]);
});

it('exits with 78 if the configuration is invalid, and says why', async () => {
  const { child, output } = run({ MONITORING_PORT: 'http' });
  expect(await once(child, 'exit')).toEqual([78, null]);
  expect(output()).toContain('MONITORING_PORT is "http" but must be a whole number from 0 to 65535');
});
