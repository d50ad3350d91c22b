import { expect, test } from 'vitest';
import { someSnapshot } from '../testing/some-snapshot.ts';
import { addLook, addMissedLook, type Look } from './history.ts';

const snapshot = (second: number, age_seconds = 0) =>
  someSnapshot({ updated_at: new Date(second * 1_000).toISOString(), age_seconds });

test('what is seen twice is one figure, with its newest age', () => {
  const history: Look[] = [snapshot(1)];
  addLook(history, snapshot(2));
  addLook(history, snapshot(2, 0.5));
  expect(history).toEqual([snapshot(1), snapshot(2, 0.5)]);
});

test('the oldest go when there are more than a terminal can show', () => {
  const history: Look[] = [snapshot(0)];
  for (let second = 1; second < 600; second++) addLook(history, snapshot(second));
  expect(history).toHaveLength(500);
  expect(history.at(-1)).toEqual(snapshot(599));
});

test('a time without answers is one gap, unless nothing new was missed', () => {
  const history: Look[] = [];
  addMissedLook(history);
  expect(history).toEqual([]);
  addLook(history, snapshot(1));
  addMissedLook(history);
  addLook(history, snapshot(1, 3));
  expect(history).toEqual([snapshot(1, 3)]);
  addMissedLook(history);
  addMissedLook(history);
  addLook(history, snapshot(9));
  expect(history).toEqual([snapshot(1, 3), undefined, snapshot(9)]);
});
