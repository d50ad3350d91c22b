import { expect, it } from 'vitest';
import { LogSampler } from './log-sampler.ts';

it('the first lines of each kind are logged, and the others reported at the end of the window', async () => {
  const reports: string[] = [];
  const sampler = new LogSampler({
    linesPerWindow: 3,
    windowMs: 50,
    onSuppressed: (kind, count) => reports.push(`${kind}: ${count}`),
  });
  const logged = (kind: string, lines: number) =>
    Array.from({ length: lines }, () => sampler.take(kind)).filter(Boolean).length;
  expect([logged('404', 1_000), logged('429', 2), logged('404', 5)]).toEqual([3, 2, 0]);
  await expect.poll(() => reports, { timeout: 20_000 }).toEqual(['404: 1002']);
  expect(logged('404', 5)).toBe(3);
});
