import { queuedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { connect } from 'amqplib';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { testBroker } from '../../testing/test-broker.ts';
import { describe, expect, it, vi } from 'vitest';
import { setUpSystem, untilReady } from '../../testing/test-system.ts';
import { gist } from '../../testing/socket-client.ts';

const system = setUpSystem();
describe('while the broker is down', () => {
  it('subscribers stay connected, and get every event once when it is back', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const service = await system.startNotification({ RABBITMQ_URL: proxy.url });
    const request = someRequest();
    const client = await system.subscribe(service, request.job_id);
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    await system.publish(queued);
    await client.next();
    await proxy.refuse();
    await system.publish(begun, completed);
    const late = await system.connect(service, `?job_id=${request.job_id}`);
    expect(gist([await late.next()])).toEqual(['state queued']);
    expect(await (await fetch(`http://127.0.0.1:${service.port}/readyz`)).json()).toMatchObject({
      status: 'not_ready',
    });
    await proxy.resume();
    for (const each of [client, late]) expect(gist(await each.take(2))).toEqual(['started', 'completed']);
    await untilReady(service);
    for (const each of [client, late]) expect(await each.rest()).toEqual([]);
  });

  it('broken connections neither lose nor duplicate events', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const service = await system.startNotification({ RABBITMQ_URL: proxy.url });
    const client = await system.subscribe(service, '*');
    const requests = Array.from({ length: 300 }, () => someRequest());
    for (const [index, request] of requests.entries()) {
      if (index % 100 === 50) proxy.cut();
      await system.publish(queuedEvent(request));
    }
    expect(await client.take(300)).toMatchObject(
      requests.map((request) => ({ event: queuedEvent(request) })),
    );
    await untilReady(service);
    expect(await client.rest()).toEqual([]);
  });
});

describe('a service that starts while the broker is down', () => {
  it('accepts no connections until it has caught up', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    await proxy.refuse();
    const service = await system.createNotification({ RABBITMQ_URL: proxy.url });
    const starting = service.start();
    await vi.waitFor(async () => {
      const response = await fetch(`http://127.0.0.1:${service.port}/readyz`);
      expect(await response.json()).toEqual({
        status: 'not_ready',
        reason: expect.stringMatching(/^no connection to RabbitMQ/) as string,
      });
    });
    await expect(system.connect(service)).rejects.toThrow('503');
    await proxy.resume();
    await starting;
    await untilReady(service);
    const client = await system.connect(service, `?job_id=${someRequest().job_id}`);
    expect(gist([await client.next()])).toEqual(['state unknown']);
  });

  it('can be stopped', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    await proxy.refuse();
    const service = await system.createNotification({ RABBITMQ_URL: proxy.url });
    const starting = service.start().catch(() => undefined);
    await service.stop();
    await proxy.resume();
    await starting;
  });
});

describe('when the event log is recreated', () => {
  it.each(['sooner', 'with more in it than before'])(
    '%s, subscribers get a reset, then new events',
    async (when) => {
      const service = await system.startNotification();
      const request = someRequest();
      const forgotten = someRequest();
      await system.store.putIfAbsent(requestKey(request.job_id, 1), jsonBody(request));
      const client = await system.connect(service, `?job_id=${request.job_id}`);
      client.watch(forgotten.job_id);
      await client.take(2);
      const watchingAll = await system.connect(service, '?job_id=*');
      await watchingAll.next();
      await system.publish(started(request), queuedEvent(forgotten));
      await client.take(2);
      await watchingAll.take(3);
      await recreateLog();
      if (when !== 'sooner')
        await system.publish(...Array.from({ length: 50 }, () => queuedEvent(someRequest())));

      const received = await client.take(4);
      expect(gist(received).toSorted()).toEqual([
        'reset log_reset',
        'reset log_reset',
        'state queued',
        'state unknown',
      ]);
      expect(gist(await watchingAll.take(2))).toEqual(['reset log_reset', 'state of 0']);
      await system.publish(...lifeOf(request).slice(1));
      expect(gist(await client.take(2))).toEqual(['started', 'completed']);
    },
  );
});

describe('when the service stops', () => {
  it('connections close with 1001, and the port is free', async () => {
    const service = await system.startNotification();
    const { port } = service;
    const clients = await Promise.all([1, 2, 3].map(() => system.connect(service)));
    await service.stop();
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1001 });
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  });

  it('a client that does not respond does not delay it', async () => {
    const service = await system.startNotification();
    const client = await system.connect(service);
    client.socket.pause();
    const began = performance.now();
    await service.stop();
    expect(performance.now() - began).toBeLessThan(4_000);
    client.socket.terminate();
  });
});

/** Deletes the log and declares it again, as services do when they start. */
async function recreateLog(): Promise<void> {
  const connection = await connect(system.vhost.amqpUrl);
  const channel = await connection.createChannel();
  await channel.deleteQueue(queueNames.eventLog);
  await connection.close();
  const broker = testBroker(system.vhost.amqpUrl);
  await broker.start();
  await broker.stop();
}
