import { queuedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { gist } from '../../testing/socket-client.ts';

const system = setUpSystem();

describe('a subscriber that resumes with its last event id', () => {
  it('gets the events it missed, and none twice', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    const first = await system.subscribe(service, request.job_id);
    await system.publish(queued);
    await first.next();
    await first.close();
    await system.publish(begun, completed, ...lifeOf(someRequest()));
    const query = `?job_id=${request.job_id}&last_event_id=${first.lastEventId}`;
    const second = await system.connect(service, query);
    expect(await second.take(2)).toMatchObject([{ event: begun }, { event: completed }]);
    expect(await second.rest()).toEqual([]);
  });

  it('may resume after a state too', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    const other = await system.subscribe(service, request.job_id);
    await system.publish(queued, begun);
    await other.take(2);
    const first = await system.connect(service, `?job_id=${request.job_id}`);
    expect(gist([await first.next()])).toEqual(['state processing']);
    await first.close();
    await system.publish(completed);
    await other.next();
    const second = await system.connect(service);
    second.watch(request.job_id, first.lastEventId);
    expect(await second.next()).toMatchObject({ event: completed });
  });

  it('gets nothing if it missed nothing, then new events', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const client = await system.subscribe(service, request.job_id);
    await system.publish(queuedEvent(request));
    await client.next();
    client.watch(request.job_id, client.lastEventId);
    expect(await client.rest()).toEqual([]);
    await system.publish(started(request));
    expect(gist([await client.next()])).toEqual(['started']);
  });

  it.each(['as it was', 'with its acceptance late'])('finds a life %s on another replica', async (order) => {
    const one = await system.startNotification();
    const request = someRequest();
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    const first = await system.subscribe(one, request.job_id);
    await system.publish(...(order === 'as it was' ? [queued, begun] : [begun, queued]));
    const [firstEvent] = await first.take(2);
    await one.stop();
    expect(await first.closed).toMatchObject({ code: 1001 });
    await system.publish(completed);
    const other = await system.startNotification();
    for (const [lastEventId, missed] of [
      [first.lastEventId, ['completed']],
      [firstEvent?.type === 'event' ? firstEvent.event_id : '', ['started', 'completed']],
    ] as const) {
      const second = await system.connect(other, `?job_id=${request.job_id}&last_event_id=${lastEventId}`);
      expect(gist(await second.take(missed.length))).toEqual(missed);
      expect(await second.rest()).toEqual([]);
    }
  });

  it('gets all events it missed of all jobs, however many, and those that happen meanwhile', async () => {
    const service = await system.startNotification();
    const first = await system.subscribe(service, '*');
    await system.publish(queuedEvent(someRequest()));
    await first.next();
    await first.close();
    const missed = Array.from({ length: 150 }, () => queuedEvent(someRequest()));
    await system.publish(...missed);
    const [second] = await Promise.all([
      system.connect(service, `?job_id=*&last_event_id=${first.lastEventId}`),
      system.publish(...missed.map(({ data }) => started(data.request))),
    ]);
    const messages = await second.take(300);
    expect(messages.slice(0, 150)).toMatchObject(missed.map((event) => ({ event })));
    expect(new Set(gist(messages.slice(150)))).toEqual(new Set(['started']));
    expect(new Set(messages.map((message) => JSON.stringify(message))).size).toBe(300);
    expect(await second.rest()).toEqual([]);
  });

  it('gets one replay of all jobs after the other', async () => {
    const service = await system.startNotification();
    const client = await system.subscribe(service, '*');
    await system.publish(queuedEvent(someRequest()));
    await client.next();
    const { lastEventId } = client;
    const missed = Array.from({ length: 150 }, () => queuedEvent(someRequest()));
    await system.publish(...missed);
    await client.take(150);
    client.watch('*', lastEventId);
    client.watch('*', lastEventId);
    const replay = missed.map((event) => ({ event }));
    expect(await client.take(300)).toMatchObject([...replay, ...replay]);
    client.watch('*', lastEventId);
    client.say({ type: 'unsubscribe', job_id: '*' });
    expect(await client.take(1)).toMatchObject([{ type: 'unsubscribed' }]);
    expect(await client.rest()).toEqual([]);
  });

  it('gets each event once if it resumes all jobs and one of them', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];
    const client = await system.subscribe(service, '*');
    await system.publish(queued);
    await client.next();
    const query = `?job_id=*&job_id=${request.job_id}&last_event_id=${client.lastEventId}`;
    await system.publish(begun, completed);
    await client.take(2);
    const again = await system.connect(service, query);
    expect(gist(await again.take(2))).toEqual(['started', 'completed']);
    expect(await again.rest()).toEqual([]);
  });
});

describe('a subscriber that cannot resume gets a reset, then the current state', () => {
  it('if its last event id is malformed', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const client = await system.connect(service, `?job_id=${request.job_id}&last_event_id=yesterday`);
    expect(await client.next()).toMatchObject({
      type: 'reset',
      job_id: request.job_id,
      reason: 'malformed_event_id',
    });
    expect(gist([await client.next()])).toEqual(['state unknown']);
    await system.publish(queuedEvent(request));
    expect(gist([await client.next()])).toEqual(['queued']);
  });

  it('if its last event is too old', async () => {
    const service = await system.startNotification({}, { eventsResumable: 100 });
    const [request, ...others] = Array.from({ length: 101 }, () => someRequest());
    if (request === undefined) throw new Error('no request');
    const first = await system.subscribe(service, request.job_id);
    await system.publish(queuedEvent(request));
    await first.next();
    const watchingAll = await system.subscribe(service, '*');
    await system.publish(...others.map(queuedEvent));
    await watchingAll.take(100);
    const second = await system.connect(
      service,
      `?job_id=${request.job_id}&last_event_id=${first.lastEventId}`,
    );
    expect(gist(await second.take(2))).toEqual(['reset event_id_too_old', 'state queued']);
    const all = await system.connect(service, `?job_id=*&last_event_id=${first.lastEventId}`);
    expect(gist(await all.take(2))).toEqual(['reset event_id_too_old', 'state of 50']);
  });

  it('if its last event is of another log', async () => {
    const service = await system.startNotification();
    const request = someRequest();
    const client = await system.subscribe(service, request.job_id);
    await system.publish(...lifeOf(request));
    await client.take(3);
    const [offset] = client.lastEventId.split('-');
    client.watch(request.job_id, `${offset ?? ''}-00000000`);
    expect(gist(await client.take(2))).toEqual(['reset event_id_unknown', 'state completed']);
  });
});
