import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { lifeOf, someRequest } from '../../testing/job-life.ts';
import { expect, it } from 'vitest';
import { environmentOf } from '../../testing/create-service.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { ServiceProcess } from '../../testing/run-service.ts';
import { gist, SocketClient } from '../../testing/socket-client.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();

/** A client at another address than the flood's, which subscribes to a job and gets its events. */
async function expectServed(service: { readonly port: number }, localAddress: string): Promise<void> {
  const request = someRequest();
  const client = await SocketClient.open(service.port, `?job_id=${request.job_id}`, { localAddress });
  system.onTestEnd(() => client.close());
  await client.next();
  await system.publish(...lifeOf(request));
  expect(gist(await client.take(3))).toEqual(['queued', 'started', 'completed']);
}

async function flood(
  { port }: { readonly port: number },
  count: number,
  bytes: string,
): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  system.onTestEnd(() => {
    for (const client of clients) client.abort();
    return Promise.resolve();
  });
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

it('200 clients that request all events again and again, and read nothing, cost little memory', async () => {
  const service = new ServiceProcess('notification', {
    ...environmentOf('notification', system),
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  });
  const { port = 0 } = await service.lineOf('ready for subscribers');
  const watching = await SocketClient.open(port, '?job_id=*');
  await system.publish(queuedEvent(someRequest()));
  await watching.take(2);
  const again = JSON.stringify({ type: 'subscribe', job_id: '*', last_event_id: watching.lastEventId });
  for (let count = 0; count < 40; count++) {
    await system.publish(...Array.from({ length: 100 }, () => queuedEvent(someRequest())));
  }
  await watching.take(4_000);
  await watching.close();
  const before = await service.residentMiB();
  const clients: SocketClient[] = [];
  for (let count = 0; count < 200; count++) {
    const client = await SocketClient.open(port, '', { localAddress: '127.0.0.2' });
    clients.push(client);
    client.socket.pause();
    for (let requests = 0; requests < 40; requests++) client.sayRaw(again);
  }
  await expectServed({ port }, '127.0.0.3');
  // Their queues may hold 1 MiB each.
  expect((await service.residentMiB()) - before).toBeLessThan(100);
  for (const client of clients) client.socket.terminate();
}, 90_000);
