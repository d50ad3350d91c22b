import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cacheStateSchema, serverStatusSchema } from '../../api/pipeline-status/server-status.ts';
import { put, TOKEN } from '../../monitoring/testing/given-monitoring.ts';
import { askSoon, countingFront, givenWatchedApi, proxyBefore } from './given-watched-api.ts';
import type { TestApi } from '../../api/testing/test-api.ts';

const watched = givenWatchedApi();
const { given } = watched;

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
    await given.worker('worker-1', 2);
    const monitoring = await given.monitoring();
    const api = await watched.api(`http://127.0.0.1:${monitoring.port}`);
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

  it('costs one call upstream for two thousand that ask, a thousand of them at once and first', async () => {
    const monitoring = await given.monitoring({ STATUS_UPDATE_INTERVAL: '600' });
    const front = await countingFront(monitoring.port);
    onTestFinished(() => front.close());
    // Before the API, whose first look is not of those who ask.
    const begun = performance.now();
    const api = await watched.startedApi(front.url);
    const ask = () => Promise.all(Array.from({ length: 1_000 }, () => api.ask('/server/status')));
    const answers = [...(await ask()), ...(await ask())];
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // By time and not by the number of requests: one in ten seconds, or one a second while monitoring does not respond.
    expect(front.calls).toBeLessThanOrEqual(1 + Math.floor((performance.now() - begun) / 1_000));
    expect(await statusOf(api)).toMatchObject({ _cache: { source: 'monitoring' } });
  });

  it('follows monitoring’s interval when that is changed while it runs', async () => {
    const monitoring = await given.monitoring({ STATUS_UPDATE_INTERVAL: '5' });
    const front = await countingFront(monitoring.port);
    onTestFinished(() => front.close());
    const api = await watched.api(front.url);
    const { updated_at: before } = await statusOf(api);
    expect((await put(monitoring, '{"seconds": 1}', TOKEN)).status).toBe(200);
    const { updated_at: first } = await until(api, (status) =>
      expect(status.updated_at).toBeGreaterThan(before ?? 0),
    );
    const callsBefore = front.calls;
    await until(api, (status) => expect(status.updated_at).toBeGreaterThan((first ?? 0) + 2.5));
    // One a second, and a second try for each at the most; at the old interval, one for all of it.
    expect(front.calls - callsBefore).toBeGreaterThanOrEqual(2);
    expect(front.calls - callsBefore).toBeLessThanOrEqual(8);
  });
});

describe('while monitoring is away', () => {
  it('gives the last good figures with their age at once, and new ones when it is back', async () => {
    await given.worker('worker-1', 2);
    const monitoring = await given.monitoring();
    const { proxy, url } = await proxyBefore(`http://127.0.0.1:${monitoring.port}`);
    const api = await watched.api(url);
    await until(api, ({ client_status }) => expect(client_status).toBe(1));
    for (const fault of ['freeze', 'refuse'] as const) {
      await proxy[fault]();
      const away = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
      expect(away).toMatchObject({ server_status: 1, client_status: 1, rates: { publish: 0 } });
      expect(away._cache.cached).toBe(true);
      const later = await until(api, ({ _cache }) => expect(_cache.age_seconds).toBeGreaterThan(2));
      expect(later.updated_at).toBe(away.updated_at);
      expect(await cacheOf(api)).toMatchObject({ cached: true, is_fresh: false });
      await proxy.resume();
      const back = await until(api, ({ _cache }) => expect(_cache.source).toBe('monitoring'));
      expect(back.updated_at).toBeGreaterThan(later.updated_at ?? 0);
    }
  });

  it('does not call figures current that are older than STATUS_CACHE_TTL', async () => {
    const monitoring = await given.monitoring({ STATUS_UPDATE_INTERVAL: '1' });
    const { proxy, url } = await proxyBefore(`http://127.0.0.1:${monitoring.port}`);
    // It has not given up yet when the figures get old.
    const api = await watched.api(url, { STATUS_CACHE_TTL: '3' }, 20_000);
    await until(api, ({ _cache }) => expect(_cache.source).toBe('monitoring'));
    proxy.freeze();
    const old = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
    expect(old._cache.age_seconds).toBeGreaterThanOrEqual(3);
    expect(await cacheOf(api)).toMatchObject({ ttl: 0, is_fresh: false });
  });

  it('calls figures current until the next are overdue, where monitoring looks more seldom than that', async () => {
    const monitoring = await given.monitoring({ STATUS_UPDATE_INTERVAL: '600' });
    const api = await watched.api(`http://127.0.0.1:${monitoring.port}`, { STATUS_CACHE_TTL: '2' });
    const { _cache } = await until(api, (status) => expect(status._cache.age_seconds).toBeGreaterThan(2));
    expect(_cache.source).toBe('monitoring');
    const cache = await cacheOf(api);
    expect(cache).toMatchObject({ cached: true, is_fresh: true });
    if (cache.cached) expect(cache.ttl).toBe(Math.ceil(900 - cache.age_seconds));
  });

  it.each([
    ['refuses', () => Promise.resolve(REFUSED)],
    ['is behind a black hole', () => Promise.resolve(BLACK_HOLE)],
    [
      'takes calls and is silent',
      async () => {
        const { proxy, url } = await proxyBefore(REFUSED);
        proxy.freeze();
        return url;
      },
    ],
  ])('looks at the queue itself where monitoring was never there and %s', async (_case, where) => {
    await given.worker('worker-1', 2);
    const api = await watched.api(await where());
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

  it('answers from the very start, with RabbitMQ away as well', async () => {
    const { proxy, url } = await proxyBefore(REFUSED);
    proxy.freeze();
    const api = await watched.startedApi(url, { RABBITMQ_URL: 'amqp://127.0.0.1:9' });
    expect(await statusOf(api)).toMatchObject({
      server_status: 0,
      client_status: null,
      updated_at: null,
      _cache: { cached: false, age_seconds: null, source: 'broker' },
    });
  });

  it('remembers what the queue told before RabbitMQ went away', async () => {
    await given.worker('worker-1', 2);
    const { proxy, url } = await proxyBefore(given.vhost.amqpUrl);
    const api = await watched.api(REFUSED, { RABBITMQ_URL: url });
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

describe('while RabbitMQ’s management API is away', () => {
  it('gives the last good figures that monitoring has', async () => {
    await given.worker('worker-1', 2);
    const { proxy, url } = await proxyBefore(given.vhost.managementUrl);
    const monitoring = await given.monitoring({ RABBITMQ_MANAGEMENT_URL: url }, { managementTimeoutMs: 300 });
    const api = await watched.api(`http://127.0.0.1:${monitoring.port}`);
    await until(api, ({ client_status }) => expect(client_status).toBe(1));
    await proxy.refuse();
    const away = await until(api, ({ _cache }) => expect(_cache.source).toBe('last_good'));
    expect(away).toMatchObject({ server_status: 1, client_status: 1 });
    await until(api, ({ _cache }) => expect(_cache.age_seconds).toBeGreaterThan(3));
    await proxy.resume();
    await until(api, ({ _cache }) => expect(_cache.source).toBe('monitoring'));
  });
});
