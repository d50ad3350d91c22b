import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { isOriginAllowed, refusalOfAllJobs, refusalOfHandshake } from './admission.ts';

const handshake = { path: '/ws', parameters: 4, origin: undefined, host: 'localhost:8001' };
const capacity = {
  isReady: true,
  connections: 0,
  connectionsOfAddress: 0,
  maxConnections: 10,
  maxConnectionsPerAddress: 5,
  maxSubscriptions: 3,
};

const allowed = { allowedOrigins: [], allowedHosts: ['images.example.org'] };

describe('a handshake', () => {
  it('is accepted at /ws while there is capacity', () => {
    expect(refusalOfHandshake(handshake, capacity, allowed)).toBeUndefined();
    const almostFull = { ...capacity, connections: 9, connectionsOfAddress: 4 };
    expect(refusalOfHandshake(handshake, almostFull, allowed)).toBeUndefined();
  });

  it.each([
    ['elsewhere', { path: '/' }, {}, 'not_found'],
    ['at a malformed URL', { path: undefined }, {}, 'not_found'],
    [
      'from a page whose own name resolves to this machine',
      { origin: 'http://evil.example:8001', host: 'evil.example:8001' },
      {},
      'host_not_allowed',
    ],
    ['from a page of another host', { origin: 'https://evil.example' }, {}, 'origin_not_allowed'],
    ['with more jobs than a connection may have', { parameters: 5 }, {}, 'too_many_parameters'],
    ['before the event log has been read', {}, { isReady: false }, 'service_unavailable'],
    [
      'from an address with too many connections',
      {},
      { connectionsOfAddress: 5 },
      'too_many_connections_from_address',
    ],
    ['when all connections are taken', {}, { connections: 10 }, 'too_many_connections'],
  ])('is rejected %s', (_where, change, seen, refusal) => {
    expect(refusalOfHandshake({ ...handshake, ...change }, { ...capacity, ...seen }, allowed)).toBe(refusal);
  });
});

describe('without a list of origins', () => {
  it.each([
    ['a program', undefined, 'images.example.org:8001'],
    ['a page of the same host, on another port', 'https://images.example.org', 'images.example.org:8001'],
    ['a page of this machine', 'http://localhost:8000', '127.0.0.1:8001'],
    ['a page of this machine by address', 'http://127.0.0.1:3000', 'localhost:8001'],
    ['a page of this machine by IPv6 address', 'http://[::1]:3000', 'localhost:8001'],
  ])('%s may connect', (_who, origin, host) => {
    expect(isOriginAllowed(origin, host, [])).toBe(true);
  });

  it.each([
    ['a page of another host', 'https://evil.example', 'images.example.org:8001'],
    ['a host with a similar name', 'https://evil-images.example.org', 'images.example.org'],
    ['a host whose name starts with localhost', 'http://localhost.evil.example', 'localhost:8001'],
    ['a page with an opaque origin', 'null', 'localhost:8001'],
    ['a file', 'file://', 'localhost:8001'],
    ['an extension', 'chrome-extension://localhost', 'localhost:8001'],
    ['nonsense', 'http://', ''],
  ])('%s may not connect', (_who, origin, host) => {
    expect(isOriginAllowed(origin, host, [])).toBe(false);
  });
});

describe('with a list of origins', () => {
  const allowed = ['https://images.example.org'];

  it('pages of these origins and programs may connect', () => {
    expect(isOriginAllowed('https://images.example.org', 'api.example.org', allowed)).toBe(true);
    expect(isOriginAllowed(undefined, 'api.example.org', allowed)).toBe(true);
  });

  it('other pages may not', () => {
    expect(isOriginAllowed('http://images.example.org', 'images.example.org', allowed)).toBe(false);
    expect(isOriginAllowed('http://localhost:8000', 'localhost:8001', allowed)).toBe(false);
  });
});

const token = 'b6a5d3c1f0e94872';

describe('watching all jobs', () => {
  it('needs no token outside of production', () => {
    expect(refusalOfAllJobs(undefined, { isOpen: true, token })).toBeUndefined();
  });

  it('needs the token in production', () => {
    const access = { isOpen: false, token };
    expect(refusalOfAllJobs(token, access)).toBeUndefined();
    for (const given of [undefined, '', 'b6a5d3c1f0e94873', token.slice(1), `${token} `]) {
      expect(refusalOfAllJobs(given, access)).toBe('token_required');
    }
  });

  it('is impossible in production without a token configured', () => {
    expect(refusalOfAllJobs('', { isOpen: false, token: '' })).toBe('token_not_set');
  });
});

const system = setUpSystem();

describe('a handshake is rejected', () => {
  it.each([
    ['at another path', '/socket', {}, 404, 'not_found'],
    ['at a malformed URL', '//', {}, 404, 'not_found'],
    ['from a page of another host', '/ws', { origin: 'https://evil.example' }, 403, 'origin_not_allowed'],
    ['with 1,700 jobs', `/ws?${'job_id=7&'.repeat(1_700)}`, {}, 422, 'too_many_parameters'],
    ['when it is malformed', '/ws', { 'sec-websocket-key': 'short' }, 400, 'malformed_request'],
    ['in an unknown version', '/ws', { 'sec-websocket-version': '7' }, 400, 'malformed_request'],
  ])('%s, with problem details', async (_why, path, headers, status, code) => {
    const { port } = await system.startNotification();
    const response = await shake(port, path, headers);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(await json(response)).toEqual({
      type: `urn:image-pipeline:problem:${code}`,
      title: expect.any(String) as unknown,
      status,
      detail: expect.stringMatching(/\.$/) as unknown,
      code,
    });
  });

  it('with another method than GET, with problem details', async () => {
    const { port } = await system.startNotification();
    const response = await shake(port, '/ws', {}, 'POST');
    expect(response.statusCode).toBe(405);
    expect(response.headers['allow']).toBe('GET');
    expect(await json(response)).toMatchObject({ code: 'method_not_allowed', status: 405 });
  });

  it('without an upgrade, with problem details', async () => {
    const service = await system.startNotification();
    const response = await fetch(`http://127.0.0.1:${service.port}/ws`);
    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({ code: 'upgrade_required', status: 426, instance: '/ws' });
  });

  it('when its address has too many connections', async () => {
    const service = await system.startNotification({ WEBSOCKET_MAX_PER_ADDRESS: '2' });
    const clients = [await system.connect(service), await system.connect(service)];
    const refused = await shake(service.port, '/ws');
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('5');
    await clients[0]?.close();
    expect((await shake(service.port, '/ws')).statusCode).toBe(101);
  });

  it('when all connections are taken', async () => {
    const service = await system.startNotification({ WEBSOCKET_MAX_CONNECTIONS: '1' });
    await system.connect(service);
    expect((await shake(service.port, '/ws')).statusCode).toBe(503);
    const metrics = await (await fetch(`http://127.0.0.1:${service.port}/metrics`)).text();
    expect(metrics).toContain('image_websocket_refused_total{reason="too_many_connections"} 1\n');
  });

  it('but not from a page of this machine', async () => {
    const { port } = await system.startNotification();
    expect((await shake(port, '/ws', { origin: 'http://localhost:8000' })).statusCode).toBe(101);
  });
});

/** A handshake whose response is read as plain HTTP. */
async function shake(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  const request = httpRequest({
    port,
    method,
    path,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers,
    },
  });
  request.end();
  const [response] = (await Promise.race([once(request, 'response'), once(request, 'upgrade')])) as [
    IncomingMessage,
  ];
  if (response.statusCode === 101) response.socket.destroy();
  return response;
}
