import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { tempFolder } from '../../testing/temp-folder.ts';
import { LogFollower, rotateLogs } from './log-files.ts';

test('a log that is too large is rotated; its writer keeps writing, and a follower misses no line', async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, 'api.log');
  await writeFile(join(folder.path, 'worker-1.log'), 'short\n');
  const lines: string[] = [];
  const follower = new LogFollower({
    folder: folder.path,
    service: 'api',
    write: (line) => lines.push(line),
  });
  const log = await open(path, 'a');
  await log.write('one\ntwo\n');
  await follower.printNew();
  await log.write('three\n');
  await follower.printNew();
  await rotateLogs(folder.path, 10);
  await log.write('four, cut off');
  await follower.printNew();
  await log.write(' and ended\n');
  await follower.printNew();
  await log.close();

  expect(await readFile(`${path}.1`, 'utf8')).toBe('one\ntwo\nthree\n');
  expect(await readFile(path, 'utf8')).toBe('four, cut off and ended\n');
  expect(await readFile(join(folder.path, 'worker-1.log'), 'utf8')).toBe('short\n');
  expect(lines.map((line) => line.split('| ')[1])).toEqual([
    'one',
    'two',
    'three',
    'four, cut off and ended',
  ]);
});
