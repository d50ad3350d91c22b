import fc from 'fast-check';
import { expect, it } from 'vitest';
import { randomSchedule, stormSchedule } from './schedule.ts';

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const lengths = fc.integer({ min: 1, max: 600 });

it('makes the same schedule for the same seed, in order and within the duration', () => {
  fc.assert(
    fc.property(seeds, lengths, (seed, seconds) => {
      const schedule = randomSchedule(seed, seconds);
      expect(randomSchedule(seed, seconds)).toEqual(schedule);
      const times = schedule.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      for (const atMs of times) expect(atMs).toBeLessThan(seconds * 1_000);
    }),
  );
});

it('makes different schedules for different seeds, with all kinds of faults among them', () => {
  const schedules = Array.from({ length: 50 }, (_, seed) => randomSchedule(seed + 1, 120));
  expect(new Set(schedules.map((schedule) => JSON.stringify(schedule))).size).toBe(50);
  expect(new Set(schedules.flat().map(({ kind }) => kind)).size).toBe(12);
});

it('has the documented faults in the storm', () => {
  const storm = stormSchedule(120);
  const count = (kind: string) => storm.filter((fault) => fault.kind === kind).length;
  expect(count('kill worker')).toBe(60);
  expect(count('restart broker')).toBe(2);
  expect(count('close connections')).toBe(1);
  expect(storm.find(({ kind }) => kind === 'store unavailable')).toMatchObject({ forMs: 20_000 });
});
