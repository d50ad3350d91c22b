import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { identify, isAlive, terminate } from './identity.ts';

async function sleeper(script: string) {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  const identity = await identify(child.pid ?? Number.NaN);
  if (identity === undefined) throw new Error('The process has already exited.');
  return { child, identity };
}

test('a process is stopped with SIGTERM', async () => {
  const { identity } = await sleeper('echo up; exec sleep 60');
  expect(await terminate(identity, 5_000)).toBe('stopped');
  expect(await isAlive(identity)).toBe(false);
  expect(await terminate(identity, 5_000)).toBe('gone already');
});

test('a process that ignores SIGTERM is killed at its deadline', async () => {
  const { identity } = await sleeper("trap '' TERM; echo up; while :; do sleep 0.1; done");
  expect(await terminate(identity, 300)).toBe('killed');
  expect(await isAlive(identity)).toBe(false);
});

test('another process that reuses the id of an exited process is not killed', async () => {
  const { child, identity } = await sleeper('echo up; exec sleep 60');
  const earlier = { ...identity, startedAt: `${identity.startedAt}0` };
  expect(await terminate(earlier, 5_000)).toBe('gone already');
  expect(await isAlive(identity)).toBe(true);
  child.kill();
});
