import { lifeOf, someRequest } from '../../testing/job-life.ts';
import { expect, it } from 'vitest';
import type { Service } from '@image-pipeline/shared/service.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { gist, SocketClient } from '../../testing/socket-client.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();

/** A client at another address than the flood's, which subscribes to a job and gets its events. */
async function expectServed(service: Service, localAddress: string): Promise<void> {
  const request = someRequest();
  const client = await SocketClient.open(service.port, `?job_id=${request.job_id}`, { localAddress });
  system.onTestEnd(() => client.close());
  await client.next();
  await system.publish(...lifeOf(request));
  expect(gist(await client.take(3))).toEqual(['queued', 'started', 'completed']);
}

async function flood({ port }: Service, count: number, bytes: string): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  system.onTestEnd(() => Promise.resolve(clients.forEach((client) => client.abort())));
  while (clients.length < count) {
    const client = await RawClient.to(port);
    clients.push(client);
    await client.send(bytes);
  }
  return clients;
}

it('handshakes with 1,700 jobs each are refused by their number', async () => {
  const service = await system.startNotification();
  const handshake = [
    `GET /ws?${'job_id=7&'.repeat(1_700)} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const clients = await flood(service, 100, [...handshake, '', ''].join('\r\n'));
  await expectServed(service, '127.0.0.2');
  for (const client of clients) {
    await client.closed();
    expect(client.received).toMatch(/^HTTP\/1\.1 422 .*"code":"too_many_parameters"/s);
  }
});

it('2,500 half-sent requests of one address leave connections for others', async () => {
  const service = await system.startNotification();
  await flood(service, 2_500, 'GET /livez HTTP/1.1\r\nHost: local');
  await expectServed(service, '127.0.0.3');
  await expectServed(service, '127.0.0.1');
});
