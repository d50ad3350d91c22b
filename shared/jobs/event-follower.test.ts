import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Vhost } from '../../testing/vhost.ts';
import type { Broker } from '../broker/broker.ts';
import { exchangeNames } from '../broker/topology.ts';
import { queuedEvent, type JobEvent } from '../contracts/event.ts';
import { lifeOf, someRequest } from '../../testing/job-life.ts';
import { testBroker, testLog, testVhost } from '../../testing/test-broker.ts';
import { EventFollower, eventMessage, parseEvent } from './event-follower.ts';

let vhost: Vhost;
let broker: Broker;
const followers: EventFollower[] = [];

beforeAll(async () => {
  vhost = await testVhost();
  broker = testBroker(vhost.amqpUrl);
  await broker.start();
});
afterEach(() => Promise.all(followers.splice(0).map((follower) => follower.stop())));
afterAll(async () => {
  await broker.stop();
  await vhost.delete();
});

describe('a follower of the event log', () => {
  it('receives past events, then new ones, with the same offsets as every other follower', async () => {
    const past = lifeOf(someRequest());
    await publish(...past);
    const one = await follow('one');
    const other = await follow('other');
    expect(one.events).toEqual(past);
    const next = lifeOf(someRequest());
    await publish(...next);
    for (const { events } of [one, other]) {
      await vi.waitFor(() => expect(events.slice(-3)).toEqual(next), { timeout: 10_000, interval: 10 });
    }
    expect(other.offsets).toEqual(one.offsets);
    expect(one.offsets).toEqual([...new Set(one.offsets)].toSorted((a, b) => a - b));
  });

  it('starts at the given offset, even if `replay` would start later', async () => {
    for (let n = 0; n < 3; n++) await publish(...lifeOf(someRequest()));
    const { events, offsets } = await follow('all');
    const from = offsets[2];
    if (from === undefined) throw new Error('there are too few events');
    const later = await follow('later', 0, from);
    expect(later.offsets).toEqual(offsets.slice(2));
    expect(later.events).toEqual(events.slice(2));
  });

  it('skips events that this version does not know', async () => {
    const { events } = await follow('reader');
    const before = events.length;
    const event = queuedEvent(someRequest());
    const large = { ...event, source: 'x'.repeat(1_100_000) };
    const strangers = [{ ...event, type: 'job.forgotten' }, { ...event, data: {} }, 'text', null, large];
    for (const [index, body] of strangers.entries()) {
      const messageId = `stranger ${index}`;
      await broker.publisher.publish({
        ...eventMessage(event),
        exchange: exchangeNames.events,
        messageId,
        body,
      });
    }
    await publish(event);
    await vi.waitFor(() => expect(events.at(-1)).toEqual(event), { timeout: 10_000, interval: 10 });
    expect(events).toHaveLength(before + 1);
  });
});

describe('parsing an event', () => {
  it.each(['', '{', 'null', '{"type":"job.queued"}', '\u0000'])('returns undefined for %j', (text) => {
    expect(parseEvent(Buffer.from(text))).toBeUndefined();
  });

  it('returns the serialized event', () => {
    for (const event of lifeOf(someRequest())) {
      expect(parseEvent(Buffer.from(JSON.stringify(event)))).toEqual(event);
    }
  });
});

async function publish(...events: JobEvent[]): Promise<void> {
  for (const event of events) await broker.publisher.publish(eventMessage(event));
}

async function follow(instance: string, replay = 1_000, from?: number) {
  const events: JobEvent[] = [];
  const offsets: number[] = [];
  const follower = new EventFollower({
    broker,
    service: 'test',
    instance,
    replay,
    from,
    onEvent: (event, offset) => {
      events.push(event);
      offsets.push(offset);
    },
    onReset: vi.fn(),
    log: testLog,
  });
  followers.push(follower);
  await follower.start();
  await vi.waitFor(() => expect(follower.isCaughtUp).toBe(true), { timeout: 10_000, interval: 10 });
  return { events, offsets };
}
