import { expect, it } from 'vitest';
import { whatIsDue } from './is-attempt-due.ts';

const retrying = (attempt: number) => ({ state: 'retrying', attempt }) as const;
const dead = { state: 'dead', attempt: 3 } as const;
const delivered = { state: 'delivered', attempt: 2 } as const;

it.each([
  ['the first of a run', [], 1, false, 'attempt'],
  ['one that is given out again before anything was written down', [], 1, true, 'attempt'],
  ['the next one', [retrying(1)], 2, false, 'attempt'],
  ['a copy, whose successor is on its rung', [retrying(1)], 1, false, 'duplicate'],
  ['one given out again, whose successor is on its rung', [retrying(1)], 1, true, 'duplicate'],
  ['a copy of long ago', [retrying(1), retrying(2)], 1, false, 'duplicate'],
  ['a copy of what was delivered', [retrying(1), delivered], 1, false, 'duplicate'],
  ['what was delivered, but not acknowledged', [retrying(1), delivered], 2, true, 'duplicate'],
  ['what is dead, but not dead-lettered', [retrying(1), retrying(2), dead], 3, true, 'dead-letter'],
  ['a dead letter that people put back', [retrying(1), retrying(2), dead], 3, false, 'attempt'],
  ['one that was dead once and delivered since', [dead, delivered], 3, true, 'duplicate'],
] as const)('%s', (_what, history, attempt, isRedelivered, due) => {
  expect(whatIsDue(history, attempt, isRedelivered)).toBe(due);
});
