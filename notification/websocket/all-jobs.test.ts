import { endedEvent, queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { completedOutcome, lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { uploadImage } from '../../testing/uploads.ts';
import { gist, SocketClient } from '../../testing/socket-client.ts';

const system = setUpSystem();

describe('a subscriber of all jobs', () => {
  it('gets the newest jobs, newest first, then every event', async () => {
    const service = await system.startNotification();
    const requests = Array.from({ length: 60 }, () => someRequest());
    const first = await system.subscribe(service, '*');
    await system.publish(...requests.map(queuedEvent));
    await first.take(60);
    const client = await system.connect(service);
    client.watch('*');
    expect(await client.next()).toMatchObject({
      type: 'state',
      job_id: '*',
      event_id: first.lastEventId,
      jobs: requests
        .slice(-50)
        .toReversed()
        .map(({ job_id, submitted_at }) => ({ job_id, submitted_at, state: 'queued', run: 1, attempt: 1 })),
    });
    const life = lifeOf(someRequest());
    await system.publish(...life);
    expect(await client.take(3)).toMatchObject(life.map((event) => ({ event })));
  });

  it('gets the events of a job once, even if it also watches that job alone', async () => {
    const service = await system.startNotification();
    const [own, other] = [someRequest(), someRequest()];
    const client = await system.connect(service, `?job_id=*`);
    client.watch(own.job_id);
    await client.take(2);
    await system.publish(queuedEvent(own), queuedEvent(other), started(own));
    expect(gist(await client.take(3))).toEqual(['queued', 'queued', 'started']);
    client.say({ type: 'unsubscribe', job_id: own.job_id });
    await client.next();
    await system.publish(...lifeOf(own).slice(2), queuedEvent(someRequest()));
    expect(gist(await client.take(2))).toEqual(['completed', 'queued']);
    client.say({ type: 'unsubscribe', job_id: '*' });
    expect(await client.next()).toEqual({ type: 'unsubscribed', job_id: '*' });
    await system.publish(started(other));
    expect(await client.rest()).toEqual([]);
  });
});

describe('a subscriber that requests the state of the pipeline', () => {
  it('gets monitoring’s snapshot, and the same position and ETA as /status has', async () => {
    const monitoring = await system.startMonitoring();
    const MONITORING_URL = `http://127.0.0.1:${monitoring.port}`;
    const service = await system.startNotification({ MONITORING_URL });
    const api = await system.startApi();
    const old = someRequest();
    await system.publish(endedEvent(old, completedOutcome(old)));
    const ids = [await uploadImage(api, 'sample.jpg'), await uploadImage(api, 'sample.jpg')];
    const client = await system.connect(service);
    client.say({ type: 'subscribe', job_id: '*', pipeline: true });
    const positions = async () => {
      const message = await client.next();
      if (!('type' in message) || message.type !== 'pipeline' || message.snapshot === null) return undefined;
      return ids.map((id) => message.forecasts.find(({ job_id }) => job_id === id)?.queue_position);
    };
    await expect.poll(positions, { timeout: 20_000, interval: 0 }).toEqual([1, 2]);
    for (const [index, id] of ids.entries()) {
      expect((await api.ask(`/status/${id}`)).json).toMatchObject({ queue_position: index + 1 });
    }
  });

  it('that does not request it gets none', async () => {
    const service = await system.startNotification();
    const [client, other] = [await system.connect(service), await system.connect(service)];
    client.say({ type: 'subscribe', job_id: '*', pipeline: true });
    other.say({ type: 'subscribe', job_id: '*' });
    expect(await client.take(2)).toMatchObject([{ type: 'state' }, { type: 'pipeline' }]);
    await other.next();
    expect(await other.rest()).toEqual([]);
  });
});

describe('in production', () => {
  const token = 'e5b0f7c2a9184d6e93f1';

  // A service in production refuses the test broker's sample password.
  async function productionService() {
    return system.startNotification({
      NODE_ENV: 'production',
      API_TOKEN: token,
      RABBITMQ_URL: await system.urlOfOwnUser(),
    });
  }

  it('watching all jobs requires the token', async () => {
    const service = await productionService();
    const client = await system.connect(service, '?job_id=*');
    expect(gist([await client.next()])).toEqual(['error token_required']);
    client.say({ type: 'subscribe', job_id: '*', token: 'guess' });
    expect(gist([await client.next()])).toEqual(['error token_required']);
    client.say({ type: 'subscribe', job_id: '*', token });
    expect(await client.next()).toMatchObject({ type: 'state', job_id: '*' });

    const headers = { authorization: `Bearer ${token}` };
    const byHeader = await SocketClient.open(service.port, '?job_id=*', { headers });
    expect(await byHeader.next()).toMatchObject({ type: 'state', job_id: '*' });
    await byHeader.close();
  });

  it('watching one job requires its id only', async () => {
    const service = await productionService();
    const client = await system.connect(service, `?job_id=${someRequest().job_id}`);
    expect(gist([await client.next()])).toEqual(['state unknown']);
  });
});
