import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RawClient } from '../../testing/raw-client.ts';
import { createMetrics } from '../metrics.ts';
import type { HttpServer, HttpServerOptions } from './http-server.ts';
import { createServiceServer } from './service-server.ts';

/** A server with a route that reads its body, and clients of it. */
async function startServer(options: Partial<HttpServerOptions> = {}) {
  const aborted: string[] = [];
  const server = createServiceServer({
    ...{ host: '127.0.0.1', port: 0, portsToTry: 1, keepAliveTimeoutMs: 5_000, ...options },
    service: 'monitoring',
    notReadyBecause: () => undefined,
    metrics: createMetrics('monitoring'),
    log: { error: (entry: unknown) => console.error(entry) },
    routes: {
      'PUT /interval': {
        description: 'Reads its body.',
        handle: async (request) => {
          request.once('aborted', () => aborted.push('body'));
          await request.toArray();
          return { status: 200, body: {} };
        },
      },
    },
  });
  await server.start();
  onTestFinished(() => server.stop());
  return { server, aborted, send: (bytes: string) => sendTo(server, bytes) };
}

async function sendTo({ port }: HttpServer, bytes: string): Promise<RawClient> {
  const client = await RawClient.to(port);
  onTestFinished(() => client.abort());
  await client.send(bytes);
  return client;
}

/** The response to a connection that the server closes. */
async function responseOf(client: RawClient): Promise<{ status: number; head: string; problem: unknown }> {
  await client.closed();
  const [head = '', body = ''] = client.received.split('\r\n\r\n', 2);
  const json = /\{.*\}/s.exec(body)?.[0] ?? '';
  return { status: Number(head.split(' ')[1]), head, problem: JSON.parse(json) };
}

const get = (path: string, headers: readonly string[] = []) =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
const put = (headers: readonly string[], body: string) =>
  ['PUT /interval HTTP/1.1', 'Host: localhost', ...headers, '', body].join('\r\n');
const CHUNKED = 'Transfer-Encoding: chunked';
const KIB = 1024;

describe('a client error', () => {
  it.each([
    ['a URL of 17 KiB', get(`/${'u'.repeat(17 * KIB)}`), 414, 'url_too_long'],
    ['a URL of 200 KiB', get(`/${'u'.repeat(200 * KIB)}`), 414, 'url_too_long'],
    [
      'a URL of 12 KiB and headers',
      get(`/${'u'.repeat(12 * KIB)}`, [`A: ${'a'.repeat(8 * KIB)}`]),
      414,
      'url_too_long',
    ],
    ['a long query', get(`/livez?q=${'%20'.repeat(6 * KIB)}`), 414, 'url_too_long'],
    ['a header of 17 KiB', get('/livez', [`Cookie: ${'c'.repeat(17 * KIB)}`]), 431, 'headers_too_large'],
    ['a header of 200 KiB', get('/livez', [`Cookie: ${'c'.repeat(200 * KIB)}`]), 431, 'headers_too_large'],
    ['a header name of 17 KiB', get('/livez', [`${'n'.repeat(17 * KIB)}: 1`]), 431, 'headers_too_large'],
    [
      'thousands of headers',
      get(
        '/livez',
        Array.from({ length: 3_000 }, (_, n) => `X-${n}: ${n}`),
      ),
      431,
      'headers_too_large',
    ],
    ['an unknown transfer coding', put(['Transfer-Encoding: gzip'], 'abc'), 400, 'malformed_request'],
    [
      'chunked before another coding',
      put(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    ['a length and chunks', put(['Content-Length: 3', CHUNKED], '0\r\n\r\n'), 400, 'malformed_request'],
    ['two lengths', put(['Content-Length: 3', 'Content-Length: 4'], 'abc'), 400, 'malformed_request'],
    ['a length that is not a number', put(['Content-Length: 1e3'], 'abc'), 400, 'malformed_request'],
    ['a chunk size that overflows', put([CHUNKED], 'fffffffffffffffff\r\nabc'), 400, 'malformed_request'],
    ['a chunk size that is not a number', put([CHUNKED], 'xyz\r\nabc\r\n'), 400, 'malformed_request'],
    ['a chunk longer than its size', put([CHUNKED], '3\r\nabcdef\r\n0\r\n\r\n'), 400, 'malformed_request'],
    [
      'endless chunk extensions',
      put([CHUNKED], `3;${'e'.repeat(32 * KIB)}\r\nabc\r\n`),
      413,
      'body_too_large',
    ],
    ['an unknown method', 'BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'malformed_request'],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400, 'malformed_request'],
    ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n', 405, 'method_not_allowed'],
  ])('by %s is problem details, and closes the connection', async (_what, bytes, status, code) => {
    const { send } = await startServer();
    const response = await responseOf(await send(bytes));
    expect(response).toMatchObject({ status, problem: { code, status } });
    expect(response.head).toMatch(/^Content-Type: application\/problem\+json; charset=utf-8\r?$/m);
    expect(response.head).toMatch(/^Connection: close\r?$/m);
  });

  it('gets its response on a connection that has been used before', async () => {
    const { send } = await startServer();
    const client = await send(get('/livez'));
    await expect.poll(() => client.received).toContain('{"status":"ok"}');
    await client.send('NONSENSE\r\n\r\n');
    await client.closed();
    expect(client.received).toMatch(/HTTP\/1\.1 200 .*HTTP\/1\.1 400 .*"code":"malformed_request"/s);
  });

  it('is read by a client that goes on sending, which is then cut', async () => {
    const { send } = await startServer();
    const client = await send(put([CHUNKED], 'xyz\r\n'));
    const more = 'x'.repeat(KIB * KIB);
    let sent = 0;
    while (await client.send(more)) sent++;
    expect(client.received).toContain('"code":"malformed_request"');
    expect(sent).toBeLessThan(200);
  });

  it('ends what the application does with the request at once, and closes the connection even if the client does not', async () => {
    const { server, aborted, send } = await startServer();
    const client = await send(put([CHUNKED], '3\r\nabc\r\nxyz\r\n'));
    client.socket.allowHalfOpen = true;
    await expect.poll(() => client.received).toContain('"code":"malformed_request"');
    expect(aborted).toEqual(['body']);
    const connections = promisify(server.server.getConnections.bind(server.server));
    await expect.poll(() => connections(), { timeout: 10_000 }).toBe(0);
    expect(client.isClosed).toBe(false);
  });
});

describe('a body in a Content-Encoding', () => {
  it.each(['gzip', 'GZIP', 'deflate', 'br', 'zstd', 'x-unknown', 'identity, gzip'])(
    '%s is refused unread',
    async (coding) => {
      const { send } = await startServer();
      const client = await send(put([`Content-Encoding: ${coding}`, 'Content-Length: 100'], ''));
      expect(await responseOf(client)).toMatchObject({
        status: 415,
        problem: { code: 'unsupported_encoding', allowed: ['identity'], seen: coding, instance: '/interval' },
      });
    },
  );

  it('identity is read, and a coding without a body is ignored', async () => {
    const { send } = await startServer();
    const plain = ['Content-Encoding: identity', 'Content-Length: 3', 'Connection: close'];
    for (const bytes of [put(plain, 'abc'), get('/livez', ['Content-Encoding: gzip', 'Connection: close'])]) {
      const client = await send(bytes);
      await client.closed();
      expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
    }
  });
});

describe('an unknown query parameter', () => {
  it.each([
    ['/livez?verbose', 'verbose'],
    ['/?page=1', 'page'],
    ['/metrics?since=1&since=2', 'since'],
  ])('of %s is refused', async (path, parameter) => {
    const { server } = await startServer();
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    expect([response.status, await response.json()]).toMatchObject([
      422,
      {
        code: 'invalid_parameter',
        detail: `${parameter}: is unknown. Allowed: none. Remove it`,
        parameter,
        allowed: [],
      },
    ]);
  });
});

describe('a query of too many parameters', () => {
  it.each(['/livez?', '/unknown?', '/'])('of %s is refused by their number', async (path) => {
    const { server } = await startServer();
    const query = path.endsWith('?') ? '&'.repeat(500) : `?${'a=1&'.repeat(600)}`;
    const response = await fetch(`http://127.0.0.1:${server.port}${path}${query}`);
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { code: 'invalid_parameter', limit: 500 },
    ]);
  });
});

describe('an upgrade', () => {
  const h2c = [
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  ];

  it.each([
    ['h2c', h2c],
    ['TLS', ['Connection: Upgrade', 'Upgrade: TLS/1.2']],
    ['several protocols', ['Connection: Upgrade', 'Upgrade: h2c, websocket']],
  ])('to %s is ignored, also where WebSockets are accepted', async (_what, headers) => {
    const { server, send } = await startServer();
    for (const accepts of [false, true]) {
      if (accepts) server.server.on('upgrade', (_request, socket) => socket.destroy());
      const client = await send(get('/livez', headers));
      await expect.poll(() => client.received).toContain('{"status":"ok"}');
      await client.send(get('/readyz', ['Connection: close']));
      await client.closed();
      expect(client.received).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 200 .*"ready"/s);
    }
  });
});

describe('an unknown expectation', () => {
  it('is ignored', async () => {
    const { send } = await startServer();
    const client = await send(get('/livez', ['Expect: a-miracle', 'Connection: close']));
    await client.closed();
    expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('an idle connection', () => {
  it('stays open for the keep-alive time and is closed after it', async () => {
    const { send } = await startServer({ keepAliveTimeoutMs: 1_000 });
    const client = await send(get('/livez'));
    await expect.poll(() => client.received).toContain('Keep-Alive: timeout=1');
    expect(client.isClosed).toBe(false);
    await client.closed();
  });
});
