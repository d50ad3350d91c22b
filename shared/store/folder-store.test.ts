import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StoreUnavailable } from '../errors.ts';
import { temporaryName } from './durable-file.ts';
import { FolderStore } from './folder-store.ts';
import { walkFolder } from './object-files.ts';
import { StoreMisconfigured } from './store-failure.ts';

const MB = 1024 * 1024;

describe('a folder as object store', () => {
  let folder: string;
  let store: FolderStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-'));
    store = new FolderStore({ folder, operationMs: 5_000 });
    await store.start();
  });

  afterEach(async () => {
    await store.stop();
    await rm(folder, { recursive: true });
  });

  const temporaryFiles = (): Promise<string[]> => readdir(join(folder, '.tmp'));

  describe('when its process is killed in the middle of a put', () => {
    it.each(['put', 'putIfAbsent'] as const)('shows no partial object (%s)', async (method) => {
      for (const count of [1, 2, 3, 5, 8]) {
        const stored = await killedWriter(method, count);
        const listed = await Array.fromAsync(store.list(''));
        expect(listed.map(({ key }) => key)).toEqual(expect.arrayContaining(stored));
        expect(listed.filter(({ size }) => size !== MB)).toEqual([]);
      }
    });

    it('shows no partial object (a stream)', async () => {
      expect(await killedWriter('stream', 1)).toEqual(['whole']);
      expect(await store.stat('whole')).toMatchObject({ size: MB });
      expect(await store.stat('half')).toBeUndefined();
    });

    it('removes the half-written file at the next start', async () => {
      await killedWriter('stream', 1);
      expect(await temporaryFiles()).toHaveLength(1);
      await new FolderStore({ folder, operationMs: 5_000 }).start();
      expect(await temporaryFiles()).toEqual([]);
    });
  });

  it('keeps files that others are writing, and removes those that are an hour old', async () => {
    const [ours, theirs] = [temporaryName(), `elsewhere@${process.pid}@1`];
    for (const name of [ours, theirs]) await writeFile(join(folder, '.tmp', name), '');
    await new FolderStore({ folder, operationMs: 5_000 }).start();
    expect(await temporaryFiles()).toEqual(expect.arrayContaining([ours, theirs]));

    const anHourAgo = Date.now() / 1_000 - 3_601;
    for (const name of [ours, theirs]) await utimes(join(folder, '.tmp', name), anHourAgo, anHourAgo);
    await new FolderStore({ folder, operationMs: 5_000 }).start();
    expect(await temporaryFiles()).toEqual([]);
  });

  it('reports that it is unavailable, not that objects are missing, when its disk is missing', async () => {
    await store.put('a', Buffer.from('a'));
    await rename(folder, `${folder}-elsewhere`);
    await mkdir(folder); // an empty mount point
    try {
      await expect(store.get('a')).rejects.toThrow(
        'The object store (a folder) failed to get a: its folder does not exist.',
      );
      await expect(store.stat('a')).rejects.toThrow(StoreUnavailable);
      await expect(store.put('b', Buffer.from('b'))).rejects.toThrow(StoreUnavailable);
      await expect(store.putIfAbsent('b', Buffer.from('b'))).rejects.toThrow(StoreUnavailable);
      await expect(Array.fromAsync(store.list(''))).rejects.toThrow(StoreUnavailable);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
      await rename(`${folder}-elsewhere`, folder);
    }
    expect((await store.stat('a'))?.size).toBe(1);
  });

  it('refuses to start where its path is a file, or runs through one', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const path of [file, join(file, 'below')]) {
      const misplaced = new FolderStore({ folder: path, operationMs: 5_000 });
      await expect(misplaced.start()).rejects.toThrow(StoreMisconfigured);
      await expect(misplaced.start()).rejects.toThrow('Choose another STORE_FOLDER');
    }
  });

  it('does not hand out a file that is cut while it is read as if it were whole', async () => {
    await store.put('a', Buffer.alloc(8 * MB));
    const [streamed, read] = [await store.get('a'), await store.get('a')];
    await truncate(join(folder, 'a'), 4 * MB);
    const failure = 'failed to get a: ended 4194304 bytes too early';
    await expect(buffer(streamed?.body ?? Readable.from([]))).rejects.toThrow(failure);
    await expect(read?.readBytes()).rejects.toThrow(failure);
  });

  describe('with something else in the place of an object', () => {
    const damaged = { code: 'record_damaged' };

    it('neither follows a link at the end of a path nor one in the middle', async () => {
      const outside = await mkdtemp(join(tmpdir(), 'outside-'));
      try {
        await writeFile(join(outside, 'secret'), 'secret');
        await mkdir(join(folder, 'a'));
        await symlink(join(outside, 'secret'), join(folder, 'a', 'secret'));
        await symlink(outside, join(folder, 'b'));
        for (const key of ['a/secret', 'b/secret']) {
          await expect(store.get(key)).rejects.toMatchObject(damaged);
          await expect(store.stat(key)).rejects.toMatchObject(damaged);
        }
        await expect(store.put('b/secret', Buffer.from('ours'))).rejects.toMatchObject(damaged);
        await expect(store.putIfAbsent('b/ours', Buffer.from('ours'))).rejects.toMatchObject(damaged);
        await expect(store.remove('b/secret')).rejects.toMatchObject(damaged);
        expect(await Array.fromAsync(store.list(''))).toEqual([]);
        expect(await Array.fromAsync(store.list('b/'))).toEqual([]);
        expect(await readdir(outside)).toEqual(['secret']);
      } finally {
        await rm(outside, { recursive: true });
      }
    });

    it('does not wait for the writers of pipes', async () => {
      await mkdir(join(folder, 'originals'));
      const names = Array.from({ length: 8 }, (_, index) => `originals/${index}`);
      for (const name of names) expect(spawnSync('mkfifo', [join(folder, name)]).status).toBe(0);
      await Promise.all(names.map((name) => expect(store.get(name)).rejects.toMatchObject(damaged)));
      await store.put('a', Buffer.from('a'));
      expect((await store.stat('a'))?.size).toBe(1);
    });

    it('says that the record is damaged, not that the store is unavailable, and stores other objects', async () => {
      await mkdir(join(folder, 'jobs', 'one', 'outcome.json'), { recursive: true });
      await writeFile(join(folder, 'jobs', 'two'), '');
      const outcome = Buffer.from('{}');
      for (const key of ['jobs/one/outcome.json', 'jobs/two/outcome.json']) {
        expect(await store.get(key)).toBeUndefined();
        await expect(store.putIfAbsent(key, outcome)).rejects.toMatchObject(damaged);
        await expect(store.put(key, outcome)).rejects.toMatchObject(damaged);
      }
      expect(await store.putIfAbsent('jobs/three/outcome.json', outcome)).toBe(true);
      expect(await temporaryFiles()).toEqual([]);
    });

    it('follows a link to its own folder', async () => {
      const link = `${folder}-link`;
      await symlink(folder, link);
      try {
        const linked = new FolderStore({ folder: link, operationMs: 5_000 });
        await linked.start();
        await linked.put('a/b', Buffer.from('b'));
        expect((await linked.stat('a/b'))?.size).toBe(1);
      } finally {
        await rm(link);
      }
    });
  });

  it('lists nothing that is not an object', async () => {
    await store.put('a/b', Buffer.from('b'));
    await writeFile(join(folder, 'a', '.DS_Store'), '');
    await writeFile(join(folder, 'a', 'Thumbs.db'), '');
    await mkdir(join(folder, 'a', 'empty'));
    const keys = (await Array.fromAsync(store.list(''))).map(({ key }) => key);
    expect(keys).toEqual(['a/b']);
  });

  it('reads only the folders below a prefix, however many objects are elsewhere', async () => {
    for (const id of ['1', '2', '3']) await store.put(`jobs/${id}/runs/1/request.json`, Buffer.from('{}'));
    let reads = 0;
    const counted = <T>(read: () => Promise<T>): Promise<T> => {
      reads++;
      return read();
    };
    const found = await Array.fromAsync(
      walkFolder(folder, { prefix: 'jobs/2/runs/', startAfter: '' }, counted),
    );
    expect(found).toEqual(['jobs/2/runs/1/request.json']);
    expect(reads, 'the path, jobs/2/runs/ and jobs/2/runs/1/').toBe(3);
  });

  it('leaves no empty folders but those at the top when objects are removed', async () => {
    await store.put('jobs/1/runs/1/request.json', Buffer.from('{}'));
    await store.put('jobs/2/runs/1/request.json', Buffer.from('{}'));
    await store.remove('jobs/1/runs/1/request.json');
    expect(await readdir(join(folder, 'jobs'))).toEqual(['2']);
    await store.remove('jobs/2/runs/1/request.json');
    expect(await readdir(join(folder, 'jobs'))).toEqual([]);
  });

  describe('on a full disk', () => {
    let disk: string;
    let mounted: boolean;

    beforeEach(async () => {
      disk = await mkdtemp(join(tmpdir(), 'disk-'));
      mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
    });

    afterEach(async () => {
      if (mounted) spawnSync('umount', [disk]);
      await rm(disk, { recursive: true });
    });

    it('says so, leaves nothing behind, and goes on when there is room', async ({ skip }) => {
      skip(!mounted, 'only root can mount a small disk');
      const small = new FolderStore({ folder: disk, operationMs: 5_000 });
      await small.start();
      const full = 'The object store (a folder) failed to put big: no space left on the device (ENOSPC).';
      await expect(small.put('big', Buffer.alloc(2 * MB))).rejects.toThrow(full);
      await expect(small.put('big', Readable.from([Buffer.alloc(2 * MB)]))).rejects.toThrow(full);
      await expect(small.putIfAbsent('big', Buffer.alloc(2 * MB))).rejects.toThrow(StoreUnavailable);
      expect(await readdir(join(disk, '.tmp'))).toEqual([]);
      expect(await small.stat('big')).toBeUndefined();

      await small.put('little', Buffer.alloc(1024));
      expect((await small.stat('little'))?.size).toBe(1024);
    });
  });

  /** Another process that puts without end, killed when it has stored `count` objects; returns their keys. */
  async function killedWriter(method: 'put' | 'putIfAbsent' | 'stream', count: number): Promise<string[]> {
    const script = join(import.meta.dirname, '../../testing/endless-writer.ts');
    const child = fork(script, [folder, method], { execArgv: [] });
    const stored: string[] = [];
    child.on('message', (key) => {
      if (stored.push(z.string().parse(key)) === count) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    return stored;
  }
});
