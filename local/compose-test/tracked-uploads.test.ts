import { expect, test } from 'vitest';
import { longestGap } from './tracked-uploads.ts';

test('the longest gap is between neighbours in time, whatever their order', () => {
  expect(longestGap([10, 1, 3, 4])).toBe(6);
  expect(longestGap([])).toBe(0);
  expect(longestGap([5])).toBe(0);
});
