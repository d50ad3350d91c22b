import { expect, it } from 'vitest';
import { MessageBudget } from './message-budget.ts';

it('allows a burst, then a rate per second, and accumulates at most a burst', () => {
  const budget = new MessageBudget({ burst: 3, perSecond: 10 }, 0);
  const takes = (now: number) => Array.from({ length: 5 }, () => budget.take(now)).filter(Boolean).length;
  expect(takes(0)).toBe(3);
  expect(takes(50)).toBe(0);
  expect(takes(100)).toBe(1);
  expect(takes(300)).toBe(2);
  expect(takes(60_000)).toBe(3);
});
