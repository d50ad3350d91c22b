import type { BigIntStats } from 'node:fs';
import { open, rmdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ObjectStat } from './object-store.ts';
import { codeOf } from './store-failure.ts';

/** An object as a file that is open for reading; undefined where there is none. Whoever gets it closes it. */
export async function openObjectFile(
  path: string,
  signal: AbortSignal,
): Promise<{ file: FileHandle; stat: ObjectStat } | undefined> {
  const file = await open(path).catch(undefinedIfAbsent);
  try {
    const stats = await file?.stat({ bigint: true });
    // Too late: the caller is not waiting for this file any more.
    signal.throwIfAborted();
    if (file !== undefined && stats?.isFile() === true) return { file, stat: objectStat(stats) };
  } catch (error) {
    await file?.close();
    throw error;
  }
  await file?.close();
  return undefined;
}

export async function statObjectFile(path: string): Promise<ObjectStat | undefined> {
  const stats = await stat(path, { bigint: true }).catch(undefinedIfAbsent);
  return stats?.isFile() === true ? objectStat(stats) : undefined;
}

/**
 * Removes an object's file, if there is one, and the folders above it that are empty now, but not `root`. It is not
 * flushed: after a power cut the object may be back, as if the removal had not been asked for yet.
 */
export async function removeObjectFile(path: string, root: string): Promise<void> {
  await unlink(path).catch(undefinedIfAbsent);
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (stillNeeded.includes(codeOf(error))) return;
      throw error;
    }
  }
}

/** Not empty, in the words of several systems, or somebody else was faster. */
const stillNeeded: readonly (string | undefined)[] = ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'];

/** No such path, a file in the middle of it, or a folder at its end. */
const absent: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'EISDIR'];

function undefinedIfAbsent(error: unknown): undefined {
  if (!absent.includes(codeOf(error))) throw error;
}

/** Every put makes a new file, so that its inode and time say which put it was. */
function objectStat(stats: BigIntStats): ObjectStat {
  return {
    size: Number(stats.size),
    modifiedAt: stats.mtime,
    etag: `${stats.ino.toString(16)}-${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}`,
  };
}
