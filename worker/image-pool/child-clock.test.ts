import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { SLOWEST, startChildClock } from './child-clock.ts';

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** Its clock after a second, and the milliseconds that have passed. */
async function clockOf(program: string): Promise<{ shown: number; elapsed: number }> {
  child = spawn(process.execPath, ['--eval', program]);
  const began = performance.now();
  const clock = startChildClock(child.pid);
  await sleep(1_000);
  const elapsed = performance.now() - began;
  return { shown: clock(), elapsed };
}

it(
  'the clock of a process that works shows its CPU time',
  { skip: process.platform !== 'linux' },
  async () => {
    const { shown, elapsed } = await clockOf('for (;;);');
    // The machine may be busy.
    expect(shown).toBeGreaterThan((elapsed / SLOWEST) * 1.2);
    expect(shown).toBeLessThanOrEqual(elapsed + 5);
  },
);

it('the clock of a process that does nothing shows a fifth of the elapsed time', async () => {
  const { shown, elapsed } = await clockOf('setTimeout(() => undefined, 60_000)');
  expect(shown).toBeGreaterThanOrEqual(elapsed / SLOWEST);
  expect(shown).toBeLessThan(elapsed);
});

it('the clock of a process that has exited goes on', async () => {
  const { shown, elapsed } = await clockOf('');
  expect(shown).toBeGreaterThanOrEqual(elapsed / SLOWEST);
});
