import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useOwnFonts } from './use-own-fonts.ts';

it('leaves no directory behind, and removes those of killed processes', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'fonts-test-'));
  try {
    const { pid: dead } = spawnSync('true');
    const [stray, living] = [`image-pipeline-fonts-${dead}-x`, `image-pipeline-fonts-${process.ppid}-x`];
    for (const name of [stray, living, 'somebody-elses']) await mkdir(join(parent, name));
    await useOwnFonts(() => Promise.resolve(), parent);
    expect((await readdir(parent)).sort()).toEqual([living, 'somebody-elses']);
  } finally {
    await rm(parent, { recursive: true });
  }
});
