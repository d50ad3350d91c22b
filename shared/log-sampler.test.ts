import { expect, it } from 'vitest';
import { LogSampler } from './log-sampler.ts';

it('the first lines of each kind are logged, and the others reported at the end of the window', async () => {
  const reports: string[] = [];
  const sampler = new LogSampler((line) => reports.push(line), { linesPerWindow: 3, windowMs: 50 });
  const logged = (kind: string, lines: number) =>
    Array.from({ length: lines }, () => sampler.take(kind)).filter(Boolean).length;
  expect([logged('404', 1_000), logged('429', 2), logged('404', 5)]).toEqual([3, 2, 0]);
  await expect
    .poll(() => reports, { timeout: 20_000 })
    .toEqual(['404: suppressed 1002 similar log lines in 0.05 s']);
  expect(logged('404', 5)).toBe(3);
});

it('kinds without end count as one', () => {
  const sampler = new LogSampler(() => undefined, { linesPerWindow: 3, windowMs: 60_000 });
  const logged = Array.from({ length: 10_000 }, (_, kind) => sampler.take(String(kind))).filter(Boolean);
  expect(logged.length).toBeLessThanOrEqual(203);
});
