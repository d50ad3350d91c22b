import { expect, it } from 'vitest';
import { ReceiverSlots, type Place } from './receiver-slots.ts';

const never = new AbortController().signal;

const reserveAll = (slots: ReceiverSlots, key: string, count: number): Place[] =>
  Array.from({ length: count }, () => slots.reserve(key)).filter((place) => place !== undefined);

it('a receiver has a limited share, and others have theirs', () => {
  const slots = new ReceiverSlots({ total: 100, maxConcurrent: 2, inFlight: 4, hangingMs: 60_000 });
  const places = reserveAll(slots, 'one', 10);
  expect(places).toHaveLength(4);
  expect(reserveAll(slots, 'other', 10)).toHaveLength(4);
  places[0]?.release();
  expect(reserveAll(slots, 'one', 10)).toHaveLength(1);
});

it('a receiver that hangs gets one slot until it responds', () => {
  const slots = new ReceiverSlots({ total: 100, maxConcurrent: 2, inFlight: 4, hangingMs: 60_000 });
  const [first] = reserveAll(slots, 'one', 1);
  first?.timedOut();
  first?.release();
  const [second, ...more] = reserveAll(slots, 'one', 10);
  expect(more).toEqual([]);
  expect(reserveAll(slots, 'other', 10)).toHaveLength(4);
  second?.responded();
  expect(reserveAll(slots, 'one', 10)).toHaveLength(3);
});

it('a receiver that hung a while ago gets its share again', () => {
  const slots = new ReceiverSlots({ total: 100, maxConcurrent: 2, inFlight: 4, hangingMs: 0 });
  const [first] = reserveAll(slots, 'one', 1);
  first?.timedOut();
  first?.release();
  expect(reserveAll(slots, 'one', 10)).toHaveLength(4);
});

it('webhooks that wait for a receiver that starts to hang are released, all but one at a time', async () => {
  const slots = new ReceiverSlots({ total: 100, maxConcurrent: 2, inFlight: 4, hangingMs: 60_000 });
  const places = reserveAll(slots, 'one', 4);
  const posts = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const work = [...posts.map(({ promise }) => promise), Promise.resolve('posted'), Promise.resolve('posted')];
  const runs = places.map((place, index) =>
    place.run(() => work[index] ?? Promise.reject(new Error()), never),
  );
  places[0]?.timedOut();
  posts[0]?.resolve('timed out');
  expect(await Promise.all(runs.slice(2))).toEqual([undefined, undefined]);
  posts[1]?.resolve('timed out');
  expect(await Promise.all(runs.slice(0, 2))).toEqual(['timed out', 'timed out']);
});

it('receivers that have not responded yet share an eighth, after the first slot of each', () => {
  const slots = new ReceiverSlots({ total: 40, maxConcurrent: 2, inFlight: 16, hangingMs: 60_000 });
  const taken = Array.from({ length: 15 }, (_, index) => reserveAll(slots, `new${index}`, 16).length);
  expect(taken).toEqual([6, ...Array<number>(14).fill(1)]);
  const [healthy] = reserveAll(slots, 'healthy', 1);
  healthy?.responded();
  expect(reserveAll(slots, 'healthy', 20)).toHaveLength(15);
});

it('receivers that hang leave room for new ones, and both for those that have responded', () => {
  const slots = new ReceiverSlots({ total: 40, maxConcurrent: 1, inFlight: 1, hangingMs: 60_000 });
  const reserveEach = (name: string) =>
    Array.from({ length: 50 }, (_, index) => slots.reserve(`${name}${index}`)).filter(
      (place) => place !== undefined,
    );
  for (const name of ['hanging', 'responding']) {
    for (let index = 0; index < 50; index++) {
      const place = slots.reserve(`${name}${index}`);
      if (name === 'hanging') place?.timedOut();
      else place?.responded();
      place?.release();
    }
  }
  const hanging = reserveEach('hanging');
  const unknown = reserveEach('new');
  expect([hanging.length, unknown.length, reserveEach('responding').length]).toEqual([10, 20, 10]);
  hanging[0]?.release();
  expect(reserveEach('responding')).toHaveLength(1);
});
