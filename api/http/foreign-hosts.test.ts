import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { RawClient } from '../../testing/raw-client.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();

/** fetch does not let its caller choose these headers. */
async function ask(port: number, method: string, headers: Readonly<Record<string, string>>) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; code: unknown }>();
  const sent = request(
    { port, method, path: method === 'GET' ? '/jobs' : '/upload', headers },
    (response) => {
      json(response).then((body) => {
        const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
        resolve({ status: response.statusCode, code });
      }, reject);
    },
  );
  sent.on('error', reject);
  sent.end();
  return promise;
}

it('a page whose own name resolves to this machine can neither read nor send anything', async () => {
  const api = await system.startApi();
  const headers = { host: `rebound.example:${api.port}`, origin: `http://rebound.example:${api.port}` };
  for (const method of ['GET', 'POST']) {
    expect(await ask(api.port, method, headers)).toEqual({ status: 421, code: 'host_not_allowed' });
  }
});

it.each([
  { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://other.example' },
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'cross-site' },
])('a page of another site can send nothing (%j)', async (headers) => {
  const api = await system.startApi();
  expect(await ask(api.port, 'POST', headers)).toEqual({ status: 403, code: 'cross_site' });
});

it.each([
  { host: 'localhost' },
  { host: '127.0.0.1:1', origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-origin' },
  { host: 'images.example.org', origin: 'https://images.example.org' },
  { origin: 'https://tools.example.org', 'sec-fetch-site': 'cross-site' },
  { origin: 'http://localhost:5173', 'sec-fetch-site': 'same-site' },
])('a program, an own page and a configured one can (%j)', async (headers) => {
  const api = await system.startApi({
    PUBLIC_API_URL: 'https://images.example.org',
    ALLOWED_HOSTS: ['tools.example.org'],
  });
  // The upload itself is no form.
  expect(await ask(api.port, 'POST', headers)).toMatchObject({ code: 'malformed_multipart' });
  expect(await ask(api.port, 'GET', headers)).toMatchObject({ status: 200 });
});

it('two Host headers are 400', async () => {
  const api = await system.startApi();
  const client = await RawClient.to(api.port);
  await client.send('GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: rebound.example\r\n\r\n');
  await expect.poll(() => client.received).toContain('400 Bad Request');
  client.abort();
});
