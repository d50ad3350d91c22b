import { lifeOf, someRequest } from '../../testing/job-life.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { describe, expect, it } from 'vitest';
import { EventRing } from './event-ring.ts';

const someEvents = (count: number): JobEvent[] =>
  Array.from({ length: count }, () => lifeOf(someRequest())[0] ?? []).flat();

function ringOf(capacity: number, events: readonly JobEvent[], firstOffset = 10) {
  const ring = new EventRing(capacity);
  const entries = events.map((event, index) => ring.append(event, firstOffset + 2 * index));
  return { ring, entries };
}

describe('a ring of events', () => {
  it('finds an entry by its event id', () => {
    const { ring, entries } = ringOf(10, someEvents(5));
    for (const entry of entries) expect(ring.find(entry.eventId)).toBe(entry);
  });

  it('finds each of two entries that share an offset', () => {
    const [queued, begun] = lifeOf(someRequest()) as [JobEvent, JobEvent, JobEvent];
    const ring = new EventRing(10);
    const entries = [ring.append(queued, 7), ring.append(begun, 7)];
    expect(entries.map(({ eventId }) => ring.find(eventId))).toEqual(entries);
  });

  it.each([
    ['is malformed', 'yesterday', 'malformed_event_id'],
    ['is empty', '', 'malformed_event_id'],
    ['has been dropped', '10-00000000', 'event_id_too_old'],
    ['has this offset in another log', '20-00000000', 'event_id_unknown'],
    ['has an offset where nothing is', '21-00000000', 'event_id_unknown'],
    ['is beyond the end', '999-00000000', 'event_id_unknown'],
  ])('says why where the event id %s', (_why, eventId, missing) => {
    const { ring } = ringOf(5, someEvents(8));
    expect(ring.find(eventId)).toEqual({ missing });
  });

  it('keeps the newest entries only, of each job too', () => {
    const lives = Array.from({ length: 4 }, () => lifeOf(someRequest()));
    const { ring, entries } = ringOf(5, lives.flat());
    expect(ring.after(entries[6]?.sequence ?? 0, 1_000_000)).toEqual(entries.slice(7));
    expect(lives.map((life) => ring.ofJob(life[0]?.subject ?? '').length)).toEqual([0, 0, 2, 3]);
    expect(ring.newest).toBe(entries.at(-1));
  });

  it('is read in portions, and reports when a reader has been overtaken', () => {
    const { ring, entries } = ringOf(5, someEvents(8));
    const oldest = entries[3]?.sequence ?? 0;
    const bytesOf = (from: number, to: number) =>
      entries.slice(from, to).reduce((sum, { frame }) => sum + frame.data.length, 0);
    expect(ring.after(oldest, bytesOf(4, 6))).toEqual(entries.slice(4, 6));
    expect(ring.after(oldest, bytesOf(4, 6) - 1)).toEqual(entries.slice(4, 5));
    expect(ring.after(oldest, 1)).toEqual(entries.slice(4, 5));
    expect(ring.after(oldest - 1, 1_000_000)).toEqual(entries.slice(3));
    expect(ring.after(oldest - 2, 1_000_000)).toBeUndefined();
    expect(ring.after(entries.at(-1)?.sequence ?? 0, 1)).toEqual([]);
  });

  it('is empty after a clear, and accepts new events', () => {
    const { ring, entries } = ringOf(5, someEvents(8));
    ring.clear();
    expect(ring.newest).toBeUndefined();
    expect(ring.find(entries.at(-1)?.eventId ?? '')).toEqual({ missing: 'event_id_unknown' });
    expect(ring.after(entries.at(-1)?.sequence ?? 0, 1)).toBeUndefined();
    const [event] = someEvents(1) as [JobEvent];
    const entry = ring.append(event, 1);
    expect(ring.find(entry.eventId)).toBe(entry);
    expect(ring.after(entry.sequence - 1, 1)).toEqual([entry]);
  });

  it('gives an event the same id on every replica', () => {
    const events = someEvents(3);
    const [one, other] = [ringOf(10, events), ringOf(10, events)];
    expect(one.entries.map(({ eventId }) => eventId)).toEqual(other.entries.map(({ eventId }) => eventId));
  });
});
