import { expect, it } from 'vitest';
import { aroundEngine, cpuPerImage } from './bench-system.ts';

it('the engine is the children of the worker; children of other processes belong to them', () => {
  const usage = new Map([
    ['worker-1', { own: 50, children: 400 }],
    ['api', { own: 100, children: 10 }],
    ['notification', { own: 20, children: 0 }],
    ['monitoring', { own: 30, children: 0 }],
    ['broker', { own: 40, children: 5 }],
  ]);
  const cpu = cpuPerImage(usage, 10);
  expect(cpu).toEqual({ engine: 40, worker: 5, api: 11, notification: 2, monitoring: 3, broker: 4.5 });
  expect(aroundEngine(cpu)).toBe(5 + 11 + 2 + 3 + 4.5);
});
