import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { STRAY_PREFIX, sweepStrayNodes } from './sweep-stray-nodes.ts';
import { tempFolder } from './temp-folder.ts';

/** Above the largest pid that Linux and macOS give. */
const NOBODY = 99_999_999;

test('what a test run left that has died is removed; the folders of others stay', async () => {
  await using folder = await tempFolder();
  const ours = `${STRAY_PREFIX}${process.pid}-abc`;
  for (const name of [ours, `${STRAY_PREFIX}${NOBODY}-abc`, 'something-else'])
    await mkdir(join(folder.path, name));
  await sweepStrayNodes(folder.path);
  expect((await readdir(folder.path)).sort()).toEqual([ours, 'something-else'].sort());
});
