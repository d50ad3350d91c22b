import { type BigIntStats, constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isSegment } from './object-key.ts';
import type { ObjectStat } from './object-store.ts';
import { codeOf, NoObject } from './store-failure.ts';

/** Opens the file of an object for reading; undefined if there is none. The caller closes it. */
export async function openObjectFile(
  path: string,
  signal: AbortSignal,
): Promise<{ file: FileHandle; stat: ObjectStat } | undefined> {
  const file = await open(path, READ_ONLY).catch(undefinedIfMissing);
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat({ bigint: true });
    // After the deadline nobody would close the file.
    signal.throwIfAborted();
    if (!stats.isFile()) throw new NoObject('is not a regular file');
    await refuseLinks(path);
    return { file, stat: objectStat(stats) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The content of a file that was just opened, in as few steps as possible; closes it. @param size in bytes */
export async function readWholeFile(file: FileHandle, size: number): Promise<Buffer> {
  try {
    const bytes = Buffer.allocUnsafeSlow(size);
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) throw new Error(`ended ${size - at} bytes too early`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

export async function statObjectFile(path: string): Promise<ObjectStat | undefined> {
  const stats = await lstat(path, { bigint: true }).catch(undefinedIfMissing);
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw new NoObject('is not a regular file');
  await refuseLinks(path);
  return objectStat(stats);
}

/**
 * No link at the end of a path, and no waiting for the writer of a pipe: each would block one of the few threads for files.
 */
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Node cannot open a file relative to a folder, so links in the middle of a path are looked for separately.
 * @param path without links above the store's folder
 * @throws NoObject
 */
export async function refuseLinks(path: string): Promise<void> {
  const real = await realpath(path).catch(undefinedIfAbsent);
  if (real !== undefined && real !== path) throw new NoObject('is behind a link');
}

/**
 * Removes an object's file, if there is one, and the folders above it that are empty now, except `root` and those in it.
 * It is not flushed: after a power cut the object may exist again, as if it had not been removed yet.
 */
export async function removeObjectFile(path: string, root: string): Promise<void> {
  await refuseLinks(dirname(path));
  await unlink(path).catch(undefinedIfAbsent);
  for (let folder = dirname(path); folder !== root && dirname(folder) !== root; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (stillNeeded.includes(codeOf(error))) return;
      throw error;
    }
  }
}

/** Not empty (the code differs by system), or removed by another process. */
const stillNeeded: readonly (string | undefined)[] = ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'];

/** For reading: a file in the middle of the path is in the place of a folder, and not nothing. */
function undefinedIfMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOTDIR') throw new NoObject('has a file in its path', { cause: error });
  undefinedIfAbsent(error);
}

/** No such path, a file in the middle of it, or a folder at its end. */
const absent: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'EISDIR'];

function undefinedIfAbsent(error: unknown): undefined {
  if (codeOf(error) === 'ELOOP') throw new NoObject('is a link', { cause: error });
  if (!absent.includes(codeOf(error))) throw error;
}

/** Every put creates a new file, so inode and time identify the put. */
function objectStat(stats: BigIntStats): ObjectStat {
  return {
    size: Number(stats.size),
    modifiedAt: stats.mtime,
    etag: `${stats.ino.toString(16)}-${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}`,
  };
}

/**
 * The keys of the files under `root` that begin with `prefix` and come after `startAfter`, in byte order of the whole
 * key. Skips names that are not valid segments (the store's `.tmp`, `.DS_Store`) and links.
 *
 * @param within limits the time of each read of a folder
 */
export async function* walkFolder(
  root: string,
  range: { prefix: string; startAfter: string },
  within: <T>(read: () => Promise<T>) => Promise<T>,
): AsyncGenerator<string> {
  const folder = range.prefix.slice(0, range.prefix.lastIndexOf('/') + 1);
  if (
    folder.split('/').slice(0, -1).every(isSegment) &&
    (await within(() => isWithoutLinks(join(root, folder))))
  )
    yield* walk(folder);

  async function* walk(folder: string): AsyncGenerator<string> {
    for (const name of await within(() => sortedNames(join(root, folder)))) {
      const key = folder + name;
      if (key.endsWith('/')) {
        if (mayHold(key, range)) yield* walk(key);
      } else if (key.startsWith(range.prefix) && key > range.startAfter) {
        yield key;
      }
    }
  }
}

async function isWithoutLinks(path: string): Promise<boolean> {
  return (await realpath(path).catch(undefinedIfAbsent)) === resolve(path);
}

/** Whether keys in this folder (ends in `/`) can be in the range. */
function mayHold(folder: string, { prefix, startAfter }: { prefix: string; startAfter: string }): boolean {
  const reachesPrefix = folder.startsWith(prefix) || prefix.startsWith(folder);
  return reachesPrefix && (folder > startAfter || startAfter.startsWith(folder));
}

/** Folders end in `/`, which is also how they sort: `a-b` < `a.json` < `a/b`. */
async function sortedNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(nothingIfGone);
  return entries
    .filter((entry) => isSegment(entry.name) && (entry.isFile() || entry.isDirectory()))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
}

/** Removed since its parent was read. */
function nothingIfGone(error: unknown): Dirent[] {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
  throw error;
}
