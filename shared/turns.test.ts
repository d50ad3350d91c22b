import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

const MANY = 200;

it('a caller with 200 waiting calls has at most one turn between two turns of another', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const call = async (caller: string) => {
    await turns.next(caller);
    log.push(caller);
  };
  for (let count = 0; count < MANY; count++) void call('a');
  await Promise.all(Array.from({ length: 6 }, () => call('b')));
  expect(log.filter((caller) => caller === 'b')).toHaveLength(6);
  expect(log.join('')).not.toContain('aa');
});

it('the event loop goes round between two turns', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const note = () => {
    log.push('round');
    round = setImmediate(note);
  };
  let round = setImmediate(note);
  await Promise.all(
    Array.from({ length: 5 }, async (_, index) => {
      await turns.next(`caller ${index % 2}`);
      log.push('turn');
    }),
  );
  clearImmediate(round);
  expect(log.join(' ')).not.toContain('turn turn');
  expect(log.filter((entry) => entry === 'turn')).toHaveLength(5);
});

it('a caller with many waiting calls pauses after each turn', async () => {
  const turns = new Turns();
  const log: string[] = [];
  for (let count = 0; count < MANY; count++) {
    void turns.next('a').then(() => {
      log.push('turn');
      // Ends before the pause, also if both are late.
      void sleep(1).then(() => log.push('timer'));
    });
  }
  await expect.poll(() => log.length, { timeout: 20_000 }).toBeGreaterThan(20);
  expect(log.slice(0, 20).join(' ')).toBe(Array.from({ length: 10 }, () => 'turn timer').join(' '));
});
