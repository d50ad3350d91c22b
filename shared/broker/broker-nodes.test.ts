import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Vhost } from '../../testing/vhost.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { testBroker, testVhost } from '../../testing/test-broker.ts';

/** Two ways to one broker stand for two nodes of a cluster. */
let vhost: Vhost;
let one: TcpProxy;
let two: TcpProxy;

beforeAll(async () => {
  vhost = await testVhost();
  const { hostname, port } = new URL(vhost.amqpUrl);
  one = await TcpProxy.to({ host: hostname, port: Number(port) });
  two = await TcpProxy.to({ host: hostname, port: Number(port) });
});
afterAll(async () => {
  await one.close();
  await two.close();
  await vhost.delete();
});

function urlOf(node: TcpProxy): string {
  const url = new URL(vhost.amqpUrl);
  url.port = String(node.port);
  return url.href;
}

test('whichever node is down, at the start or later, the other one is used', async () => {
  await one.refuse();
  const broker = testBroker('', { urls: [urlOf(one), urlOf(two)] });
  await broker.start();
  for (const [down, up] of [
    [two, one],
    [one, two],
  ] as const) {
    await up.resume();
    await down.refuse();
    down.cut();
    await expect.poll(() => broker.unavailableBecause).toBeDefined();
    await expect.poll(() => broker.unavailableBecause, { timeout: 10_000 }).toBeUndefined();
    expect(down.connections).toBe(0);
  }
  await broker.stop();
});
