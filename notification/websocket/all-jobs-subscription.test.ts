import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { someRequest } from '../../testing/job-life.ts';
import { Turns } from '@image-pipeline/shared/turns.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { AllJobsSubscription } from './all-jobs-subscription.ts';
import { EventRing } from './event-ring.ts';
import { SocketClient } from './socket-client.ts';
import { encode, type Frame } from './subscriber.ts';

/** A subscriber that reads only when told to, and a log with `count` events. */
function setUp(count: number, maxUnsentBytes = 1_000_000, turns = new Turns(), ring = new EventRing(10_000)) {
  const append = () =>
    ring.append(queuedEvent(someRequest()), ring.newest === undefined ? 0 : 1 + ring.newest.offset);
  const entries = Array.from({ length: count }, append);
  const frames: Frame[] = [];
  const queued: Frame[] = [];
  let flushed = Promise.withResolvers<undefined>();
  let [isCut, readsAtOnce] = [false, false];
  const bytes = () => queued.reduce((sum, { data }) => sum + data.length, 0);
  const subscriber = {
    maxUnsentBytes,
    get hasBacklog() {
      return bytes() > 32 * 1024;
    },
    send: (frame: Frame) => {
      frames.push(frame);
      if (!readsAtOnce) queued.push(frame);
    },
    nextTurn: async () => {
      if (queued.length > 0) await flushed.promise;
      await turns.next('127.0.0.1');
    },
    cutSlowReader: () => {
      isCut = true;
    },
  };
  const subscription = new AllJobsSubscription({
    subscriber,
    ring,
    currentState: () => encode({ type: 'state', job_id: '*', jobs: [] }),
    isWatched: () => false,
    wantsPipelineStatus: false,
  });
  return {
    entries,
    append,
    frames,
    subscription,
    queuedBytes: bytes,
    readAtOnce: () => {
      readsAtOnce = true;
    },
    isCut: () => isCut,
    arrive: () => {
      const entry = append();
      subscription.offer(entry);
      return entry;
    },
    read: async () => {
      queued.length = 0;
      flushed.resolve(undefined);
      flushed = Promise.withResolvers();
      // One turn until it is flushed, and one until it may send.
      for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
    },
  };
}

it('a replay queues one portion at a time, and the frames of the ring themselves', async () => {
  const { entries, frames, subscription, queuedBytes, read } = setUp(500);
  subscription.begin(entries[0]?.eventId);
  while (frames.length < 499) {
    await read();
    expect(queuedBytes()).toBeLessThanOrEqual(256 * 1024);
  }
  expect(frames.every((frame, index) => frame === entries[index + 1]?.frame)).toBe(true);
});

it('a replay begins when what was queued before has been read, and ends the replay before it', async () => {
  const { entries, frames, subscription, queuedBytes, read } = setUp(500);
  for (let requests = 0; requests < 50; requests++) {
    subscription.end();
    subscription.begin(entries[0]?.eventId);
  }
  await new Promise(setImmediate);
  expect(queuedBytes()).toBeLessThanOrEqual(256 * 1024);
  while (frames.length < 499) await read();
  await read();
  expect(frames.map(({ data }) => data)).toEqual(entries.slice(1).map(({ frame }) => frame.data));
});

it('a subscriber that falls behind catches up from the ring, in order', async () => {
  const { frames, subscription, arrive, queuedBytes, read } = setUp(0);
  subscription.begin(undefined);
  const arrived = Array.from({ length: 300 }, arrive);
  expect(queuedBytes()).toBeLessThan(36 * 1024);
  while (frames.length < 301) await read();
  await read();
  expect(frames.slice(1)).toEqual(arrived.map(({ frame }) => frame));
  const next = arrive();
  expect(frames.at(-1)).toBe(next.frame);
});

it('a subscriber that falls behind by more than the limit is disconnected', async () => {
  const { entries, subscription, arrive, isCut, read } = setUp(200, 50_000);
  subscription.begin(entries[0]?.eventId);
  // The replay itself is longer than the limit.
  await read();
  let bytes = 0;
  while (!isCut()) bytes += arrive().frame.data.length;
  expect(bytes).toBeGreaterThan(50_000);
  // The limit, and the part of the replay that has been sent.
  expect(bytes).toBeLessThan(50_000 + 256 * 1024);
});

it('replays to clients that read as fast as they are sent leave time for others', async () => {
  const turns = new Turns();
  const clients = Array.from({ length: 40 }, () => setUp(500, 1_000_000, turns));
  for (const client of clients) {
    client.readAtOnce();
    client.subscription.begin(client.entries[0]?.eventId);
  }
  const sent = () => clients.reduce((sum, { frames }) => sum + frames.length, 0);
  let most = 0;
  for (let before = 0; before < 40 * 499;) {
    await new Promise(setImmediate);
    most = Math.max(most, sent() - before);
    before = sent();
  }
  // One portion.
  expect(most, 'events sent in one round of the event loop').toBeLessThan(400);
});

it('300 clients of one address catch up while events arrive', async () => {
  const [turns, ring] = [new Turns(), new EventRing(10_000)];
  const first = setUp(200, 1_000_000, turns, ring);
  const clients = [first, ...Array.from({ length: 299 }, () => setUp(0, 1_000_000, turns, ring))];
  const start = first.entries[0]?.eventId;
  for (const client of clients) {
    client.readAtOnce();
    client.subscription.begin(start);
  }
  // As many per second as a system of some 30 images per second has.
  let behind = clients.length;
  for (let sent = first.entries.length; behind > 0 && sent < 1_000; sent++) {
    await sleep(7);
    const entry = first.append();
    for (const { subscription } of clients) subscription.offer(entry);
    behind = clients.filter(({ frames }) => frames.length < sent).length;
  }
  expect(behind).toBe(0);
  expect(clients.filter(({ isCut }) => isCut())).toHaveLength(0);
});

it('a client waits in line once, however many replays it requests', async () => {
  const turns: string[] = [];
  const client = new SocketClient({
    // Connects to nothing.
    socket: new WebSocket('ws://127.0.0.1:9').on('error', () => undefined),
    maxBufferedBytes: 1_000_000,
    address: '192.0.2.1',
    turns: {
      next: async (address) => {
        turns.push(address);
        await new Promise(setImmediate);
      },
    },
    metrics: { increase: () => undefined },
  });
  await Promise.all(Array.from({ length: 50 }, () => client.nextTurn()));
  expect(turns).toEqual(['192.0.2.1']);
  await client.nextTurn();
  expect(turns).toHaveLength(2);
});
