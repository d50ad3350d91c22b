import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { postWebhook } from './post-webhook.ts';

const trusted = getCACertificates('default');
let server: Server;
let certificate: string;
const names: string[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'webhook-tls-test-'));
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=hooks.example', '-addext', 'subjectAltName=DNS:hooks.example'];
  const out = ['-nodes', '-days', '1', '-keyout', keyFile, '-out', certificateFile];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...out, ...subject]);
  const key = await readFile(keyFile, 'utf8');
  certificate = await readFile(certificateFile, 'utf8');
  await rm(folder, { recursive: true });
  server = createServer({
    key,
    cert: certificate,
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  server.on('request', (_request, response) => response.writeHead(204).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => setDefaultCACertificates(trusted));
afterAll(async () => {
  server.close();
  await once(server, 'close');
});

it('TLS verifies the receiver by its name, although its address is pinned', async () => {
  setDefaultCACertificates([...trusted, certificate]);
  expect(await post('hooks.example')).toMatchObject({ status: 204 });
  expect(names.at(-1)).toBe('hooks.example');
});

it('a certificate for another name is rejected', async () => {
  setDefaultCACertificates([...trusted, certificate]);
  expect(await post('other.example')).toEqual({
    code: 'not_connected',
    reason: '(ERR_TLS_CERT_ALTNAME_INVALID)',
  });
});

it('an untrusted certificate is rejected', async () => {
  expect(await post('hooks.example')).toEqual({
    code: 'not_connected',
    reason: '(DEPTH_ZERO_SELF_SIGNED_CERT)',
  });
});

function post(host: string) {
  const { port } = server.address() as AddressInfo;
  return postWebhook(new URL(`https://${host}:${port}/`), {}, '{}', {
    allowed: parseAllowedReceivers('127.0.0.1'),
    resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  });
}
