import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../../testing/temp-folder.ts';
import { exclusively } from './exclusive.ts';
import { identify } from './identity.ts';

test('a second one is refused and told who is at it; afterwards the way is free', async () => {
  await using folder = await tempFolder();
  const lock = join(folder.path, 'lock');
  const nested = exclusively(lock, () => exclusively(lock, () => Promise.resolve('never')));
  await expect(nested).rejects.toThrow(
    `Another command (pid ${process.pid}) is starting or stopping the system`,
  );
  expect(await exclusively(lock, () => Promise.resolve('done'))).toBe('done');
});

test('the lock of a process that has died is void', async () => {
  await using folder = await tempFolder();
  const lock = join(folder.path, 'lock');
  const child = spawn('sleep', ['60']);
  await writeFile(lock, JSON.stringify(await identify(child.pid ?? Number.NaN)));
  await expect(exclusively(lock, () => Promise.resolve('never'))).rejects.toThrow(`pid ${child.pid ?? ''}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await exclusively(lock, () => Promise.resolve('done'))).toBe('done');
});
