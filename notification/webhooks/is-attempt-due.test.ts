import { expect, it } from 'vitest';
import { whatIsDue } from './is-attempt-due.ts';

const retrying = (attempt: number) => ({ state: 'retrying', attempt }) as const;
const dead = { state: 'dead', attempt: 3 } as const;
const delivered = { state: 'delivered', attempt: 2 } as const;

const fresh = { isRedelivered: false, isPutBack: false };
const again = { isRedelivered: true, isPutBack: false };
const putBack = { isRedelivered: false, isPutBack: true };

it.each([
  ['the first of a run', [], 1, fresh, 'attempt'],
  ['one that is redelivered before anything was recorded', [], 1, again, 'attempt'],
  ['the next one', [retrying(1)], 2, fresh, 'attempt'],
  ['a copy whose successor is in a retry queue', [retrying(1)], 1, fresh, 'duplicate'],
  ['a redelivered one whose successor is in a retry queue', [retrying(1)], 1, again, 'duplicate'],
  ['an old copy', [retrying(1), retrying(2)], 1, fresh, 'duplicate'],
  ['a copy of what was delivered', [retrying(1), delivered], 1, fresh, 'duplicate'],
  ['what was delivered, but not acknowledged', [retrying(1), delivered], 2, again, 'duplicate'],
  ['what is dead, but not dead-lettered', [retrying(1), retrying(2), dead], 3, again, 'dead-letter'],
  ['a dead letter that an operator moved back', [retrying(1), retrying(2), dead], 3, putBack, 'attempt'],
  ['a copy of what is dead', [retrying(1), retrying(2), dead], 1, fresh, 'duplicate'],
  ['a copy of what was dead at once', [{ state: 'dead', attempt: 1 }], 1, fresh, 'duplicate'],
  ['the next one after an operator moved it back', [retrying(1), dead, retrying(1)], 2, fresh, 'attempt'],
  ['a copy of one that an operator moved back', [dead, retrying(1)], 1, fresh, 'duplicate'],
  ['one that was dead once and has been delivered since', [dead, delivered], 3, again, 'duplicate'],
] as const)('%s', (_what, history, attempt, origin, due) => {
  expect(whatIsDue(history, attempt, origin)).toBe(due);
});
