import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';
import { receiverResolver } from './resolve-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);
const HANGING = 200;
const A = 1;

/**
 * Responds that the names `healthy….test` and `ipv4….test` are on this machine, and that `none….test` and `ipv6….test` do not
 * exist; never for the other family of the `ipv…` names, and never for other names.
 */
async function startNameServer() {
  const asked = new Set<string>();
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const label = query.subarray(13, 13 + query.readUInt8(12)).toString();
    const end = query.indexOf(0, 12) + 5;
    asked.add(label);
    const family = query.readUInt16BE(end - 4) === A ? 'ipv4' : 'ipv6';
    if (!['healthy', 'none', family].some((prefix) => label.startsWith(prefix))) return;
    const isHealthy = /^(healthy|ipv4)/.test(label);
    const hasAddress = isHealthy && family === 'ipv4';
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(isHealthy ? 0x8180 : 0x8183, 2);
    [1, hasAddress ? 1 : 0, 0, 0].forEach((count, index) => head.writeUInt16BE(count, 4 + 2 * index));
    const answer = Buffer.from('c00c000100010000000000047f000001', 'hex');
    socket.send(
      Buffer.concat([head, query.subarray(12, end), ...(hasAddress ? [answer] : [])]),
      port,
      address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  system.onTestEnd(async () => {
    socket.close();
    await once(socket, 'close');
  });
  const servers = [`127.0.0.1:${socket.address().port}`];
  return { asked, resolve: receiverResolver(parseAllowedReceivers('127.0.0.0/8'), servers) };
}

it(`${HANGING} receivers whose name servers never respond delay no others`, async () => {
  const { asked, resolve } = await startNameServer();
  const settings = {
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.0/8',
    WEBHOOK_RETRY_DELAYS: '60s',
    WEBHOOK_TIMEOUT_MS: '20000',
  };
  await system.startNotification({ ...webhookSettings, ...settings }, { resolve });
  const jobAt = (host: string) => hooks.endedJob({ callback_url: `http://${host}:${hooks.receiver.port}/` });
  const hanging = await Promise.all(Array.from({ length: HANGING }, (_, n) => jobAt(`hanging${n}.test`)));
  await system.publish(...hanging.map(({ end }) => end));
  // A deferral would take at least 30 s.
  for (const host of ['healthy1.test', 'healthy2.test', 'localhost']) {
    const healthy = await jobAt(host);
    await system.publish(healthy.end);
    await hooks.until(healthy.request, 'delivered');
  }
  await expect.poll(() => asked.size, { timeout: 20_000 }).toBe(HANGING + 2);
  for (const { request } of hanging.slice(0, 3)) {
    const [attempt] = await hooks.until(request, 'retrying');
    expect(attempt?.error?.code).toBe('timed_out');
  }
});

it('a name that does not exist is reported as such', async () => {
  const { resolve } = await startNameServer();
  const { signal } = new AbortController();
  await expect(resolve('none.test', signal)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(await resolve('healthy.test', signal)).toEqual([{ address: '127.0.0.1', family: 4 }]);
});

it('a name server that responds for one family only delays a webhook by less than a query', async () => {
  const { resolve } = await startNameServer();
  const began = performance.now();
  const { signal } = new AbortController();
  expect(await resolve('ipv4.test', signal)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  // The first query times out after 2 s, the second one after 4 s more.
  expect(performance.now() - began).toBeLessThan(2_000);
});

it('a name may exist if the query for one family timed out', async () => {
  const { resolve } = await startNameServer();
  const { signal } = new AbortController();
  await expect(resolve('ipv6.test', signal)).rejects.toMatchObject({ code: 'ETIMEOUT' });
});

it('queries end when the delivery is aborted, and none begins after that', async () => {
  const { asked, resolve } = await startNameServer();
  const delivery = new AbortController();
  const hanging = resolve('hanging.test', delivery.signal);
  await expect.poll(() => asked.has('hanging')).toBe(true);
  delivery.abort();
  await expect(hanging).rejects.toMatchObject({ code: 'ECANCELLED' });
  await expect(resolve('late.test', delivery.signal)).rejects.toThrow('aborted');
  expect([...asked]).toEqual(['hanging']);
});
