import { describe, expect, it, onTestFinished } from 'vitest';
import { RawClient } from '../../testing/raw-client.ts';
import { networkOf } from './connection-limits.ts';
import { createHttpServer, type HttpServerOptions } from './http-server.ts';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const HALF = 'GET / HTTP/1.1\r\nHost: loc';

/** A server that responds to `GET /`, and to no other request before `finish` is called. */
async function startServer(options: Partial<HttpServerOptions> = {}) {
  const held = Promise.withResolvers<undefined>();
  let inProgress = 0;
  const server = createHttpServer(
    (request, response) => {
      if (request.url === '/') response.end('served');
      else {
        inProgress++;
        void held.promise.then(() => response.end('finished'));
      }
    },
    {
      ...{ host: '127.0.0.1', port: 0, portsToTry: 1, keepAliveTimeoutMs: 60_000, drainTimeoutMs: 100 },
      ...options,
    },
  );
  await server.start();
  onTestFinished(() => server.stop());
  const connect = async (bytes: string, localAddress?: string): Promise<RawClient> => {
    const client = await RawClient.to(server.port, localAddress);
    onTestFinished(() => client.abort());
    await client.send(bytes);
    return client;
  };
  const served = async (localAddress?: string): Promise<RawClient> => {
    const client = await connect(GET, localAddress);
    await expect.poll(() => client.received, { timeout: 20_000 }).toContain('served');
    return client;
  };
  return { connect, served, inProgress: () => inProgress, finish: () => held.resolve(undefined) };
}

const open = (clients: readonly RawClient[]) => clients.filter(({ isClosed }) => !isClosed).length;

describe('connections without a complete request', () => {
  it.each([
    ['silent ones', ''],
    ['half-sent ones', HALF],
    ['idle ones', GET],
  ])('beyond the share of an address make room for new ones: %s', async (_what, bytes) => {
    const { connect, served } = await startServer({ maxConnections: 40, maxConnectionsPerAddress: 10 });
    const first = await connect(bytes);
    const more: RawClient[] = [];
    for (let count = 0; count < 50; count++) more.push(await connect(bytes));
    await first.closed();
    await served('127.0.0.2');
    await served();
    await expect.poll(() => open(more), { timeout: 20_000 }).toBe(9);
    expect(more.slice(-9).every(({ isClosed }) => !isClosed)).toBe(true);
  });

  it('of many addresses make room for one more address', async () => {
    const { connect, served } = await startServer({ maxConnections: 40, maxConnectionsPerAddress: 10 });
    const others: RawClient[] = [];
    for (let count = 0; count < 60; count++) others.push(await connect(HALF, `127.0.1.${count % 20}`));
    await served('127.0.0.2');
    await expect.poll(() => open(others), { timeout: 20_000 }).toBe(39);
  });

  it('time out', async () => {
    const { connect } = await startServer({ headersTimeoutMs: 100 });
    const clients = [await connect(''), await connect(HALF)];
    for (const client of clients) {
      await client.closed();
      expect(client.received).toContain('"code":"request_timeout"');
    }
  });
});

describe('connections with a request in progress', () => {
  it('are never closed for new ones, which are refused', async () => {
    const limits = { maxConnections: 8, maxConnectionsPerAddress: 3 };
    const { connect, served, inProgress, finish } = await startServer(limits);
    const busy: RawClient[] = [];
    for (let count = 0; count < 3; count++) busy.push(await connect(GET.replace('/', '/slow')));
    await expect.poll(inProgress, { timeout: 20_000 }).toBe(3);
    const refused = await connect(GET);
    await refused.closed();
    expect(refused.received).toMatch(/^HTTP\/1\.1 429 .*Retry-After: 5.*"code":"too_many_connections"/s);
    expect(refused.received).toContain('Maximum per client address: 3.');
    await served('127.0.0.2');
    finish();
    for (const client of busy) {
      await expect.poll(() => client.received, { timeout: 20_000 }).toContain('finished');
    }
    await served();
  });
});

it.each([
  ['an IPv4 address', '192.0.2.7', '192.0.2.7'],
  ['an IPv4 address in IPv6', '::ffff:192.0.2.7', '192.0.2.7'],
  ['a /56 of IPv6', '2001:db8:1:ff12::5', '2001:db8:1:ff00::'],
  ['a link-local address', 'fe80::1%eth0', 'fe80::'],
])('one client is %s', (_what, address, network) => {
  expect(networkOf(address)).toBe(network);
});
