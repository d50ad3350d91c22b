import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { lifeOf, someRequest } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { gist, SocketClient } from '../../testing/socket-client.ts';

const system = setUpSystem();
const jobId = someRequest().job_id;

describe('a client that sends invalid messages', () => {
  it('gets an error with what is allowed, and stays connected', async () => {
    const service = await system.startNotification();
    const client = await system.connect(service, `?job_id=${jobId}&job=1`);
    client.sayRaw('{');
    client.sayRaw('{"type":"publish"}');
    client.sayRaw('{"type":"subscribe","job_id":"1"}');
    client.sayRaw(Buffer.from('{"type":"subscribe","job_id":"*"}'));
    client.watch(jobId);
    expect(gist(await client.take(6))).toEqual([
      'error invalid_message',
      'error malformed_message',
      'error invalid_message',
      'error invalid_message',
      'error malformed_message',
      'state unknown',
    ]);
  });

  it('is disconnected if it repeats that', async () => {
    const service = await system.startNotification();
    const client = await system.connect(service);
    for (let count = 0; count < 30; count++) client.sayRaw('hello');
    expect(await client.closed).toMatchObject({ code: 1008 });
    expect(client.received).toHaveLength(21);
  });

  it('is rate-limited if it sends too many', async () => {
    const service = await system.startNotification({}, { maxSubscriptions: 5 });
    const client = await system.connect(service);
    for (let count = 0; count < 15; count++) client.say({ type: 'unsubscribe', job_id: jobId });
    const messages = gist(await client.take(15));
    expect(messages.slice(0, 10)).toEqual(Array(10).fill('unsubscribed'));
    expect(messages.slice(10)).toContain('error rate_limited');
  });

  it('may not watch more jobs than the limit', async () => {
    const service = await system.startNotification({}, { maxSubscriptions: 2 });
    const client = await system.connect(service);
    const [one, two, three] = [someRequest(), someRequest(), someRequest()];
    for (const { job_id } of [one, two]) client.watch(job_id);
    expect(gist(await client.take(2))).toEqual(['state unknown', 'state unknown']);
    for (const { job_id } of [three, one]) client.watch(job_id);
    expect(gist(await client.take(2))).toEqual(['error too_many_subscriptions', 'state unknown']);
    await system.publish(...lifeOf(three), queuedEvent(one));
    expect(await client.next()).toMatchObject({ event: { subject: one.job_id } });
  });
});

describe('thousands of subscriptions', () => {
  const ids = (count: number) => Array.from({ length: count }, () => someRequest().job_id);

  it('beyond the share of an address are refused, except the first of each connection, and end with it', async () => {
    const service = await system.startNotification({}, { maxTotalSubscriptions: 40 });
    const [one, two] = [await system.connect(service), await system.connect(service)];
    const subscribe = async (client: SocketClient, jobIds: readonly string[]) => {
      for (const jobId of jobIds) client.watch(jobId);
      const received = gist(await client.take(jobIds.length));
      return received.filter((message) => message !== 'error too_many_subscriptions').length;
    };
    const [first = '', ...others] = ids(30);
    // 5 of its own and the 20 of its address.
    expect(await subscribe(one, [first, ...others])).toBe(25);
    expect(await subscribe(two, ids(6))).toBe(5);
    expect(await subscribe(one, [first])).toBe(1);
    one.say({ type: 'unsubscribe', job_id: first });
    expect(gist([await one.next()])).toEqual(['unsubscribed']);
    expect(await subscribe(two, ids(2))).toBe(1);
    await one.close();
    await expect.poll(() => metric(service.port, 'image_websocket_subscriptions')).toBe(6);
    expect(await subscribe(two, ids(20))).toBe(19);
  });

  it('leave nothing behind when their connections are gone', async () => {
    const service = await system.startNotification();
    const clients = await Promise.all(Array.from({ length: 10 }, () => system.connect(service)));
    for (const client of clients) for (const jobId of ids(200)) client.watch(jobId);
    for (const client of clients) client.socket.terminate();
    await expect.poll(() => metric(service.port, 'image_websocket_connections')).toBe(0);
    expect(await metric(service.port, 'image_websocket_subscriptions')).toBe(0);
    expect(gist([await (await system.connect(service, `?job_id=${jobId}`)).next()])).toEqual([
      'state unknown',
    ]);
  });
});

describe('other clients are not affected', () => {
  /** Runs an attack beside a client that watches a job and must still get its events. */
  async function besideTrouble(trouble: (port: number) => Promise<unknown>, env = {}): Promise<void> {
    const service = await system.startNotification(env);
    const request = someRequest();
    const client = await system.subscribe(service, request.job_id);
    await trouble(service.port);
    await system.publish(...lifeOf(request));
    expect(gist(await client.take(3))).toEqual(['queued', 'started', 'completed']);
  }

  it.each([
    ['of an unknown kind', Buffer.from([0x8f, 0x80, 0, 0, 0, 0])],
    ['without a mask', Buffer.from([0x81, 0x01, 0x41])],
    ['with reserved bits', Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
    ['whose text is not UTF-8', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])],
    [
      'that claim to be huge',
      Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    ],
    ['that are random', Buffer.from(Array.from({ length: 4_096 }, (_byte, index) => (index * 7_919) % 251))],
  ])('by frames %s', async (_what, bytes) => {
    await besideTrouble(async (port) => {
      const socket = await rawSocket(port);
      const ended = once(socket, 'close');
      socket.write(bytes);
      await ended;
    });
  });

  it('by a message that is too long', async () => {
    await besideTrouble(async (port) => {
      const client = await SocketClient.open(port);
      client.sayRaw(JSON.stringify({ type: 'subscribe', job_id: 'x'.repeat(16 * 1024) }));
      expect(await client.closed).toMatchObject({ code: 1009 });
    });
  });

  it('by a client that disconnects during the handshake', async () => {
    await besideTrouble(async (port) => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write('GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n');
      socket.resetAndDestroy();
    });
  });

  it('by a client that does not read: it is disconnected, and may resume', async () => {
    const service = await system.startNotification();
    const slow = await system.subscribe(service, '*');
    const quick = await system.subscribe(service, '*');
    slow.socket.pause();
    // More than the kernel's buffers and the service's limit take together.
    const original = { ...someRequest().original, name: 'x'.repeat(64 * 1024) };
    const requests = Array.from({ length: 300 }, () => someRequest({ original }));
    for (const request of requests) {
      await system.publish(queuedEvent(request));
      await quick.next();
    }
    await expect
      .poll(() => metric(service.port, 'image_websocket_disconnects_total{reason="slow_reader"}'))
      .toBe(1);
    slow.socket.resume();
    expect(await slow.closed).toMatchObject({ code: 1013 });
    expect(slow.received.length).toBeLessThan(300);

    const again = await system.connect(service, `?job_id=*&last_event_id=${slow.lastEventId}`);
    const missed = await again.take(301 - slow.received.length);
    expect([...slow.received.slice(1), ...missed]).toEqual(quick.received.slice(1));
  });

  it('by a client that does not answer pings: it is disconnected', async () => {
    const service = await system.startNotification({}, { pingIntervalMs: 100 });
    const dead = await SocketClient.open(service.port, '', { autoPong: false });
    const alive = await system.connect(service);
    expect(await dead.closed).toMatchObject({ code: 1006 });
    expect(await metric(service.port, 'image_websocket_disconnects_total{reason="dead_peer"}')).toBe(1);
    expect(alive.socket.readyState).toBe(alive.socket.OPEN);
  });

  it('by a client that requests two replays: it is disconnected if it reads nothing, not if it reads slowly', async () => {
    const service = await system.startNotification({}, { pingIntervalMs: 300 });
    const watching = await system.subscribe(service, '*');
    await system.publish(queuedEvent(someRequest()));
    await watching.next();
    const { lastEventId } = watching;
    const original = { ...someRequest().original, name: 'x'.repeat(64 * 1024) };
    for (let count = 0; count < 200; count++) await system.publish(queuedEvent(someRequest({ original })));
    await watching.take(200);
    await watching.close();
    const hostile = await system.connect(service);
    hostile.socket.pause();
    for (let count = 0; count < 2; count++) hostile.watch('*', lastEventId);
    await expect
      .poll(() => metric(service.port, 'image_websocket_disconnects_total{reason="dead_peer"}'))
      .toBe(1);
    hostile.socket.terminate();

    // One that reads slowly is not disconnected, although its pongs are not read.
    const slow = await system.connect(service);
    slow.socket.pause();
    for (let count = 0; count < 2; count++) slow.watch('*', lastEventId);
    for (let count = 0; count < 60; count++) {
      slow.socket.resume();
      await setImmediate();
      slow.socket.pause();
      await sleep(20);
    }
    slow.socket.resume();
    await slow.take(400);
  });

  it('by five hundred clients that resume at once', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const first = await system.subscribe(service, request.job_id);
    const [queued, ...later] = lifeOf(request);
    if (queued === undefined) throw new Error('no event');
    await system.publish(queued);
    await first.next();
    const query = `?job_id=${request.job_id}&last_event_id=${first.lastEventId}`;
    const crowd = Promise.all(Array.from({ length: 500 }, () => system.connect(service, query)));
    await system.publish(...later);
    expect(gist(await first.take(2))).toEqual(['started', 'completed']);
    for (const client of await crowd) expect(gist(await client.take(2))).toEqual(['started', 'completed']);
    expect(await metric(service.port, 'image_websocket_connections')).toBe(501);
  });
});

/** The TCP connection of an open WebSocket, for sending invalid frames. */
async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const key = Buffer.alloc(16).toString('base64');
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await once(socket, 'data');
  return socket;
}

async function metric(port: number, line: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
  return Number(found?.split(' ')[1] ?? 0);
}
