import type { Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { RunChange } from '../events/run-tracker.ts';

export const noTotals: Totals = {
  accepted: 0,
  completed: 0,
  failed: 0,
  retried: 0,
  failed_by_code: {},
  since: null,
};

/** The totals after one more change. @param at RFC 3339 */
export function countChange(totals: Totals, { accepted, retried, ended }: RunChange, at: string): Totals {
  const code = ended?.state === 'failed' ? ended.error.code : undefined;
  const { failed_by_code: codes } = totals;
  return {
    accepted: totals.accepted + Number(accepted),
    completed: totals.completed + Number(ended?.state === 'completed'),
    failed: totals.failed + Number(code !== undefined),
    retried: totals.retried + Number(retried),
    failed_by_code: code === undefined ? codes : { ...codes, [code]: (codes[code] ?? 0) + 1 },
    since: totals.since ?? at,
  };
}

export function addTotals(one: Totals, other: Totals): Totals {
  const codes = { ...one.failed_by_code };
  for (const [code, count] of Object.entries(other.failed_by_code)) codes[code] = (codes[code] ?? 0) + count;
  return {
    accepted: one.accepted + other.accepted,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    retried: one.retried + other.retried,
    failed_by_code: codes,
    since: one.since ?? other.since,
  };
}
