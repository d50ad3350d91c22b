import { expect, test } from 'vitest';
import { someSnapshot } from '../../testing/some-snapshot.ts';
import { addPoll, addFailedPoll, type Poll } from './history.ts';

const snapshot = (second: number, age_seconds = 0) =>
  someSnapshot({ updated_at: new Date(second * 1_000).toISOString(), age_seconds });

test('a snapshot that is polled twice is one entry, with its newest age', () => {
  const history: Poll[] = [snapshot(1)];
  addPoll(history, snapshot(2));
  addPoll(history, snapshot(2, 0.5));
  expect(history).toEqual([snapshot(1), snapshot(2, 0.5)]);
});

test('the oldest entries are dropped beyond what a terminal can show', () => {
  const history: Poll[] = [snapshot(0)];
  for (let second = 1; second < 600; second++) addPoll(history, snapshot(second));
  expect(history).toHaveLength(500);
  expect(history.at(-1)).toEqual(snapshot(599));
});

test('a time without responses is one gap, unless no refresh was missed', () => {
  const history: Poll[] = [];
  addFailedPoll(history);
  expect(history).toEqual([]);
  addPoll(history, snapshot(1));
  addFailedPoll(history);
  addPoll(history, snapshot(1, 3));
  expect(history).toEqual([snapshot(1, 3)]);
  addFailedPoll(history);
  addFailedPoll(history);
  addPoll(history, snapshot(9));
  expect(history).toEqual([snapshot(1, 3), undefined, snapshot(9)]);
});
