import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from './store-failure.ts';
import { isLeftByTheDead, temporaryName } from './temporary-name.ts';

/** How often a folder may vanish between being made and being written to, by a concurrent removal. */
const MAX_FOLDER_RACES = 10;

/** Writes a file that nobody sees yet, flushed to disk, and hands its path to `place`; afterwards it is gone. */
export async function withTemporaryFile<T>(
  folder: string,
  chunks: AsyncIterable<Uint8Array>,
  place: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(folder, temporaryName());
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(chunks);
      await file.sync();
    } finally {
      await file.close();
    }
    return await place(path);
  } finally {
    await rm(path, { force: true });
  }
}

/** Removes what processes that died left in a folder of temporary files; of another machine's, what is old. */
export async function removeStaleFiles(folder: string, olderThanMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(undefinedIfGone);
    if (found === undefined) continue;
    const isOld = Date.now() - found.mtimeMs > olderThanMs;
    if (isOld || isLeftByTheDead(name)) await rm(path, { force: true });
  }
}

/** Gives a temporary file its name, in place of what had it: readers see the old or the new one, whole. */
export async function replace(temporary: string, target: string): Promise<void> {
  await inItsFolder(target, () => rename(temporary, target));
}

/**
 * Gives a temporary file its name unless a file has it: `link` fails where `rename` would replace, and unlike an
 * exclusive `open` it never leaves an empty winner behind.
 * @returns false where there is one already
 */
export async function linkIfAbsent(temporary: string, target: string): Promise<boolean> {
  try {
    await inItsFolder(target, () => link(temporary, target));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Flushes the entries of a file's folder and of every folder above it up to `top`, any of which may be new: only then
 * does the file survive a power cut under its name.
 */
export async function flushFolders(file: string, top: string): Promise<void> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    // Gone: somebody has removed the file, and its empty folder with it.
    const handle = await open(folder).catch(undefinedIfGone);
    try {
      await handle?.sync();
    } finally {
      await handle?.close();
    }
    if (folder === top) return;
  }
}

/** Makes the folder of `target`, then acts; both again where someone removed the folder, empty, in between. */
async function inItsFolder(target: string, act: () => Promise<void>): Promise<void> {
  for (let races = 0; ; races++) {
    await mkdir(dirname(target), { recursive: true });
    try {
      await act();
      return;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || races === MAX_FOLDER_RACES) throw error;
    }
  }
}

function undefinedIfGone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}
