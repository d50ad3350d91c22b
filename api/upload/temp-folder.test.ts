import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeFolder, TempFolder } from './temp-folder.ts';

/** Above the largest process id that Linux gives. */
const NO_PROCESS = 4_194_305;

describe('the temporary folder of a process', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'temp-folder-test-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  it('is readable by its owner only, and removed with all its files on stop', async () => {
    const folder = new TempFolder(parent);
    await folder.start();
    const path = await folder.makeFolder();
    await writeFile(join(path, 'file'), 'bytes');
    expect((await stat(path)).mode & 0o077).toBe(0);
    await folder.stop();
    await folder.stop();
    expect(await readdir(parent)).toEqual([]);
  });

  it('removes the folders of killed processes, and nothing else', async () => {
    const left = `image-pipeline-api-${NO_PROCESS}-abcdef`;
    const others = [`image-pipeline-api-${process.ppid}-abcdef`, 'somebody-elses'];
    await Promise.all([left, ...others].map((name) => mkdir(join(parent, name))));
    const folder = new TempFolder(parent);
    await folder.start();
    await folder.stop();
    expect((await readdir(parent)).toSorted()).toEqual(others.toSorted());
  });

  it('removes the folder of an earlier process with the same id, as in a container', async () => {
    await mkdir(join(parent, `image-pipeline-api-${process.pid}-1700000000000-abcdef`));
    const [one, other] = [new TempFolder(parent), new TempFolder(parent)];
    await one.start();
    const used = await one.makeFolder();
    await other.start();
    expect((await stat(used)).isDirectory()).toBe(true);
    await one.stop();
    await other.stop();
    expect(await readdir(parent)).toEqual([]);
  });

  it('starts beside the folder of a killed process of another user', async () => {
    const [foreign, left] = ['foreign', 'left'].map((end) => `image-pipeline-api-${NO_PROCESS}-${end}`);
    await Promise.all([foreign, left].map((name) => mkdir(join(parent, name ?? ''))));
    const folder = new TempFolder(parent, async (path) => {
      if (path.endsWith('foreign')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
      await removeFolder(path);
    });
    await folder.start();
    await folder.stop();
    expect(await readdir(parent)).toEqual([foreign]);
  });
});
