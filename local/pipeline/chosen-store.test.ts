import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '@image-pipeline/shared/config.ts';
import { expect, onTestFinished, test } from 'vitest';
import { RunFolder } from '../supervisor/run-folder.ts';
import { chosenStore, requireStore } from './chosen-store.ts';

const run = new RunFolder('/srv/image-pipeline/.run');

test('images are in the run folder, whatever STORE_FOLDER is', () => {
  expect(chosenStore(run, { STORE_FOLDER: '/elsewhere' })).toEqual({
    variables: { STORE: 'folder', STORE_FOLDER: '/srv/image-pipeline/.run/store' },
    where: '/srv/image-pipeline/.run/store',
  });
});

test('STORE=minio is honoured', () => {
  const { variables, where } = chosenStore(run, { STORE: 'minio', MINIO_ENDPOINT: 'http://store:9000' });
  expect(variables).toEqual({ STORE: 'minio' });
  expect(where).toBe('http://store:9000, bucket images (STORE=minio)');
});

test('another STORE is a configuration error', () => {
  expect(() => chosenStore(run, { STORE: 's3' })).toThrow(ConfigError);
});

test('an unreachable MinIO is reported in one line that says what to do', async () => {
  const server = createServer((_, response) => response.writeHead(403).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const env = { STORE: 'minio', MINIO_ENDPOINT: `http://127.0.0.1:${port}` };
  onTestFinished(() => void server.close());
  await requireStore(env);
  await requireStore({ MINIO_ENDPOINT: env.MINIO_ENDPOINT });
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  await expect(requireStore(env)).rejects.toThrow(
    `STORE=minio is set, but MINIO_ENDPOINT=${env.MINIO_ENDPOINT} cannot be reached. Start MinIO there, or remove`,
  );
  await requireStore({ MINIO_ENDPOINT: env.MINIO_ENDPOINT });
});
