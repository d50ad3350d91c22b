import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { TcpProxy } from '../tcp-proxy.ts';
import { testRetryDelays } from '../test-broker.ts';
import { afterEach, expect, onTestFinished, vi } from 'vitest';
import { givenMonitoring, TOKEN, type Given } from '../../monitoring/testing/given-monitoring.ts';
import { readApiConfig } from '../../api/config.ts';
import { createApi } from '../../api/service.ts';
import { TestApi } from '../../api/testing/test-api.ts';

export interface GivenWatchedApi {
  /** The monitoring service, and the vhost and store that each test has to itself. */
  readonly given: Given;
  /** A replica that reached RabbitMQ, with monitoring at `monitoringUrl`. */
  api(monitoringUrl: string, env?: Record<string, string>, monitoringTimeoutMs?: number): Promise<TestApi>;
  /** One that has only been started. */
  startedApi(monitoringUrl: string, env?: Record<string, string>): Promise<TestApi>;
}

/** An API together with a real monitoring service. */
export function givenWatchedApi(): GivenWatchedApi {
  const given = givenMonitoring();
  const apis: TestApi[] = [];
  // Before the vhost is deleted: hooks of one kind run in the opposite order of their making.
  afterEach(async () => {
    await Promise.all(apis.splice(0).map((api) => api.stop()));
  });
  const startedApi = async (
    monitoringUrl: string,
    env: Record<string, string> = {},
    monitoringTimeoutMs = 500,
  ) => {
    const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
    const config = readApiConfig({
      RABBITMQ_URL: given.vhost.amqpUrl,
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      STORE: 'folder',
      STORE_FOLDER: given.storeFolder,
      API_PORT: '0',
      API_TOKEN: TOKEN,
      MONITORING_URL: monitoringUrl,
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
      ...env,
    });
    const service = createApi(config, { monitoringTimeoutMs });
    const api = new TestApi(service);
    apis.push(api);
    await service.start();
    return api;
  };
  return {
    given,
    startedApi,
    async api(monitoringUrl, env, monitoringTimeoutMs) {
      const api = await startedApi(monitoringUrl, env, monitoringTimeoutMs);
      await vi.waitFor(async () => expect((await api.ask('/readyz')).status).toBe(200), {
        timeout: 20_000,
        interval: 20,
      });
      return api;
    },
  };
}

/** A way to a server that can be frozen and cut; the address is the same, with its port. */
export async function proxyBefore(address: string) {
  const url = new URL(address);
  const proxy = await TcpProxy.to({ host: '127.0.0.1', port: Number(url.port) });
  onTestFinished(() => proxy.close());
  // Not by setters: those of addresses without a special scheme differ.
  return { proxy, url: address.replace(url.host, `127.0.0.1:${proxy.port}`) };
}

/** Stands before a service, passes on what is asked, and counts it. */
export async function countingFront(port: number) {
  let calls = 0;
  const server = createServer((request, response) => {
    calls++;
    fetch(`http://127.0.0.1:${port}${request.url ?? '/'}`)
      .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get calls() {
      return calls;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** What `GET path` answers, where it takes less than a second as it must, whatever is away. */
export async function askSoon(api: TestApi, path: string, headers: Record<string, string> = {}) {
  const asked = performance.now();
  const answer = await api.ask(path, { headers });
  expect(performance.now() - asked).toBeLessThan(1_000);
  expect(answer.status).toBe(200);
  return answer;
}
