import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cacheStateSchema, serverStatusSchema } from '../../api/pipeline-status/server-status.ts';
import { TOKEN } from '../api-client.ts';
import { putInterval } from '../monitoring-client.ts';
import { askSoon, monitoredAt, urlOf } from './monitored-api.ts';
import { setUpSystem, type TestApi } from '../test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

/** TEST-NET-1 of RFC 5737: packets to it are dropped, or refused by the next router. */
const BLACK_HOLE = 'http://192.0.2.1:8002';
const REFUSED = 'http://127.0.0.1:9';

const statusOf = async (api: TestApi) =>
  serverStatusSchema.strict().parse((await askSoon(api, '/server/status')).json);
const cacheOf = async (api: TestApi) =>
  cacheStateSchema.parse((await askSoon(api, '/server/status/debug')).json);
const until = (api: TestApi, holds: (status: Awaited<ReturnType<typeof statusOf>>) => void) =>
  vi.waitFor(
    async () => {
      const status = await statusOf(api);
      holds(status);
      return status;
    },
    { timeout: 20_000, interval: 50 },
  );

describe('/server/status', () => {
  it('has exactly the documented fields, and so does /server/status/debug', async () => {
    await system.holdJobs('worker-1', 2);
    const monitoring = await system.startMonitoring();
    const api = await system.startApi(monitoredAt(urlOf(monitoring)));
    const status = await until(api, ({ client_status }) => expect(client_status).toBe(1));
    const number = expect.any(Number) as number;
    const text = expect.any(String) as string;
    expect(status).toEqual({
      server_status: 1,
      rates: { publish: 0, deliver: 0, ack: 0 },
      client_status: 1,
      updated_at: number,
      _meta: {
        server_status: text,
        'rates.publish': text,
        'rates.deliver': text,
        'rates.ack': text,
        client_status: text,
        updated_at: text,
      },
      _cache: { cached: true, age_seconds: number, source: 'monitoring' },
    });
    expect(Date.now() / 1_000 - (status.updated_at ?? 0)).toBeLessThan(5);
    const other = serverStatusSchema.strict().parse((await askSoon(api, '/api/server/status')).json);
    expect({ ...other, updated_at: number, _cache: status._cache }).toEqual({
      ...status,
      updated_at: number,
    });
    const cache = await cacheOf(api);
    expect(cache).toEqual({
      cached: true,
      updated_at: number,
      age_seconds: number,
      ttl: number,
      is_fresh: expect.any(Boolean) as boolean,
    });
    if (cache.cached) expect(cache.ttl).toBe(Math.ceil(15 - cache.age_seconds));
    await vi.waitFor(async () => expect(await cacheOf(api)).toMatchObject({ is_fresh: true }));
  });

  it('makes one upstream call for two thousand requests, a thousand of them concurrent', async () => {
    const monitoring = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: '600' });
    const front = await countingProxy(monitoring.port);
    // Before the API starts: its first poll is not caused by a request.
    const begun = performance.now();
    const api = await system.beginApi(monitoredAt(front.url));
    const ask = () => Promise.all(Array.from({ length: 1_000 }, () => api.ask('/server/status')));
    const responses = [...(await ask()), ...(await ask())];
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    // By time and not by the number of requests: one in ten seconds, or one a second while monitoring does not respond.
    expect(front.calls).toBeLessThanOrEqual(1 + Math.floor((performance.now() - begun) / 1_000));
    expect(await statusOf(api)).toMatchObject({ _cache: { source: 'monitoring' } });
  });

  it('follows a change of monitoring’s interval at run time', async () => {
    const monitoring = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: '5' });
    const front = await countingProxy(monitoring.port);
    const api = await system.startApi(monitoredAt(front.url));
    const { updated_at: before } = await statusOf(api);
    expect((await putInterval(monitoring, '{"seconds": 1}', TOKEN)).status).toBe(200);
    const { updated_at: first } = await until(api, (status) =>
      expect(status.updated_at).toBeGreaterThan(before ?? 0),
    );
    const callsBefore = front.calls;
    await until(api, (status) => expect(status.updated_at).toBeGreaterThan((first ?? 0) + 2.5));
    // At most one per second and one retry each; at the old interval, one in total.
    expect(front.calls - callsBefore).toBeGreaterThanOrEqual(2);
    expect(front.calls - callsBefore).toBeLessThanOrEqual(8);
  });
});

describe('while monitoring is unavailable', () => {
  it('returns the last good values with their age at once, and new ones when it is back', async () => {
    await system.holdJobs('worker-1', 2);
    const monitoring = await system.startMonitoring();
    const proxy = await system.proxyBefore(urlOf(monitoring));
    const api = await system.startApi(monitoredAt(proxy.url));
    await until(api, ({ client_status }) => expect(client_status).toBe(1));
    for (const fault of ['freeze', 'refuse'] as const) {
      await proxy[fault]();
      const outage = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
      expect(outage).toMatchObject({ server_status: 1, client_status: 1, rates: { publish: 0 } });
      expect(outage._cache.cached).toBe(true);
      const later = await until(api, ({ _cache }) => expect(_cache.age_seconds).toBeGreaterThan(2));
      expect(later.updated_at).toBe(outage.updated_at);
      expect(await cacheOf(api)).toMatchObject({ cached: true, is_fresh: false });
      await proxy.resume();
      const back = await until(api, ({ _cache }) => expect(_cache.source).toBe('monitoring'));
      expect(back.updated_at).toBeGreaterThan(later.updated_at ?? 0);
    }
  });

  it('returns the last good values after a restart of the API, too', async () => {
    await system.holdJobs('worker-1', 2);
    const monitoring = await system.startMonitoring();
    const before = await system.startApi(monitoredAt(urlOf(monitoring)));
    await until(before, ({ client_status }) => expect(client_status).toBe(1));
    await monitoring.stop();
    const api = await system.startApi(monitoredAt(REFUSED));
    const status = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
    expect(status).toMatchObject({ server_status: 1, client_status: 1, _cache: { cached: true } });
    expect(Date.now() / 1_000 - (status.updated_at ?? 0) - (status._cache.age_seconds ?? 0)).toBeLessThan(2);
    expect(await cacheOf(api)).toMatchObject({ cached: true });
  });

  it('does not call values current that are older than STATUS_CACHE_TTL', async () => {
    const monitoring = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: '1' });
    const proxy = await system.proxyBefore(urlOf(monitoring));
    // The call has not timed out yet when the values get old.
    const api = await system.startApi(
      { ...monitoredAt(proxy.url), STATUS_CACHE_TTL: '3' },
      { monitoringTimeoutMs: 20_000 },
    );
    await until(api, ({ _cache }) => expect(_cache.source).toBe('monitoring'));
    proxy.freeze();
    const old = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
    expect(old._cache.age_seconds).toBeGreaterThanOrEqual(3);
    expect(await cacheOf(api)).toMatchObject({ ttl: 0, is_fresh: false });
  });

  it('calls values current until the next are overdue if monitoring polls less often than that', async () => {
    const monitoring = await system.startMonitoring({ STATUS_UPDATE_INTERVAL: '600' });
    const api = await system.startApi({ ...monitoredAt(urlOf(monitoring)), STATUS_CACHE_TTL: '2' });
    const { _cache } = await until(api, (status) => expect(status._cache.age_seconds).toBeGreaterThan(2));
    expect(_cache.source).toBe('monitoring');
    const cache = await cacheOf(api);
    expect(cache).toMatchObject({ cached: true, is_fresh: true });
    if (cache.cached) expect(cache.ttl).toBe(Math.ceil(900 - cache.age_seconds));
  });

  it.each([
    ['refuses connections', () => Promise.resolve(REFUSED)],
    ['is behind a black hole', () => Promise.resolve(BLACK_HOLE)],
    [
      'accepts connections and does not respond',
      async () => {
        const proxy = await system.proxyBefore(REFUSED);
        proxy.freeze();
        return proxy.url;
      },
    ],
  ])('inspects the queue itself if monitoring was never available and %s', async (_case, where) => {
    await system.holdJobs('worker-1', 2);
    const api = await system.startApi(monitoredAt(await where()));
    const [status] = await Promise.all(Array.from({ length: 20 }, () => statusOf(api)));
    expect(status).toMatchObject({
      server_status: 1,
      rates: { publish: null, deliver: null, ack: null },
      client_status: 1,
      _cache: { cached: false, source: 'broker' },
    });
    expect(status?._cache.age_seconds).toBeLessThan(2);
    expect(await cacheOf(api)).toEqual({ cached: false });
  });

  it('responds from the start, even if RabbitMQ is unavailable, too', async () => {
    const proxy = await system.proxyBefore(REFUSED);
    proxy.freeze();
    const api = await system.beginApi({ ...monitoredAt(proxy.url), RABBITMQ_URL: 'amqp://127.0.0.1:9' });
    expect(await statusOf(api)).toMatchObject({
      server_status: 0,
      client_status: null,
      updated_at: null,
      _cache: { cached: false, age_seconds: null, source: 'broker' },
    });
  });

  it('remembers the queue’s values from before RabbitMQ became unavailable', async () => {
    await system.holdJobs('worker-1', 2);
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const api = await system.startApi({ ...monitoredAt(REFUSED), RABBITMQ_URL: proxy.url });
    await until(api, ({ client_status }) => expect(client_status).toBe(1));
    proxy.freeze();
    await until(api, ({ _cache }) => expect(_cache).toMatchObject({ cached: true, source: 'last_good' }));
    await proxy.refuse();
    const status = await until(api, ({ server_status }) => expect(server_status).toBe(0));
    expect(status).toMatchObject({ client_status: 1, _cache: { source: 'last_good' } });
    await proxy.resume();
    await until(api, ({ server_status, _cache }) => {
      expect(server_status).toBe(1);
      expect(_cache.source).toBe('broker');
    });
  });
});

describe('while RabbitMQ’s management API is unavailable', () => {
  it('returns monitoring’s last good values', async () => {
    await system.holdJobs('worker-1', 2);
    const proxy = await system.proxyBefore(system.vhost.managementUrl);
    const monitoring = await system.startMonitoring(
      { RABBITMQ_MANAGEMENT_URL: proxy.url },
      { managementTimeoutMs: 300 },
    );
    const api = await system.startApi(monitoredAt(urlOf(monitoring)));
    await until(api, ({ client_status }) => expect(client_status).toBe(1));
    await proxy.refuse();
    const outage = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
    expect(outage).toMatchObject({ server_status: 1, client_status: 1 });
    await until(api, ({ _cache }) => expect(_cache.age_seconds).toBeGreaterThan(3));
    await proxy.resume();
    await until(api, ({ _cache }) => expect(_cache.source).toBe('monitoring'));
  });
});

/** A proxy that counts the requests to a service. */
async function countingProxy(port: number) {
  let calls = 0;
  const server = createServer((request, response) => {
    calls++;
    fetch(`http://127.0.0.1:${port}${request.url ?? '/'}`)
      .then(async (passed) => response.writeHead(passed.status).end(await passed.text()))
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return {
    url: urlOf(server.address() as AddressInfo),
    get calls() {
      return calls;
    },
  };
}
