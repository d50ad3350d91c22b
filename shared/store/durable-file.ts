import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { refuseLinks } from './object-files.ts';
import { codeOf, NoObject } from './store-failure.ts';

/** How often a concurrent removal may delete a folder between its creation and the write. */
const MAX_FOLDER_RACES = 10;

/** Writes a temporary file, flushes it to disk, and passes its path to `place`, which renames or removes it. */
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
  } catch (error) {
    await unlink(path).catch(undefinedIfGone);
    throw error;
  }
}

/** Removes temporary files of processes that died, and old ones of other machines. */
export async function removeStaleFiles(folder: string, olderThanMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(undefinedIfGone);
    if (found === undefined) continue;
    const isOld = Date.now() - found.mtimeMs > olderThanMs;
    if (isOld || isLeftByDeadProcess(name)) await rm(path, { force: true });
  }
}

/** Renames a temporary file to `target`, replacing it: readers see either the old or the new file. */
export async function replace(temporary: string, target: string): Promise<void> {
  await inItsFolder(target, () => rename(temporary, target));
}

/**
 * Links a temporary file as `target` unless that exists, and removes it: `link` fails where `rename` would replace, and
 * unlike an exclusive `open` it never leaves an empty file.
 * @returns false if it exists
 */
export async function linkIfAbsent(temporary: string, target: string): Promise<boolean> {
  try {
    await inItsFolder(target, () => link(temporary, target));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary).catch(undefinedIfGone);
  }
}

/**
 * Flushes folders to disk in groups: while one group is being flushed, the next one collects, and each of its folders is
 * flushed once, for however many files. It covers every change that was made before its flush begins. The top folder is
 * flushed only for a folder that is new to this flusher: the store has few such folders, and never removes them.
 */
export class FolderFlusher {
  #next: { readonly folders: Set<string>; readonly flushed: Promise<void> } | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #inTop = new Set<string>();

  /**
   * Flushes the folder of a file and every folder above it up to `top`, any of which may be new: only then does the file
   * survive a power cut under its name.
   */
  flushAbove(file: string, top: string): Promise<void> {
    this.#next ??= this.#openGroup();
    const { folders, flushed } = this.#next;
    let entry = file;
    for (let folder = dirname(file); folder !== top; folder = dirname(folder)) {
      folders.add(folder);
      entry = folder;
    }
    if (this.#inTop.has(entry)) return flushed;
    folders.add(top);
    return entry === file ? flushed : flushed.then(() => void this.#inTop.add(entry));
  }

  #openGroup() {
    const folders = new Set<string>();
    const flushed = this.#last.then(async () => {
      this.#next = undefined;
      await Promise.all([...folders].map(flushFolder));
    });
    this.#last = flushed.catch(() => undefined);
    return { folders, flushed };
  }
}

async function flushFolder(folder: string): Promise<void> {
  // Missing if the file was removed, with its empty folder.
  const handle = await open(folder).catch(undefinedIfGone);
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

/** Creates the folder of `target`, then acts; repeats both if the empty folder was removed in between. */
async function inItsFolder(target: string, act: () => Promise<void>): Promise<void> {
  for (let races = 0; ; races++) {
    try {
      await mkdir(dirname(target), { recursive: true });
      await refuseLinks(dirname(target));
      await act();
      return;
    } catch (error) {
      if (isInTheWay(codeOf(error), error))
        throw new NoObject('is a folder, or a file is in its path', { cause: error });
      if (codeOf(error) !== 'ENOENT' || races === MAX_FOLDER_RACES) throw error;
    }
  }
}

/** Whether something of the wrong kind is at the target or above it. `link` fails with EEXIST for an object, too. */
function isInTheWay(code: string | undefined, error: unknown): boolean {
  const isOfMkdir = error instanceof Error && 'syscall' in error && error.syscall === 'mkdir';
  return code === 'EISDIR' || code === 'ENOTDIR' || (code === 'EEXIST' && isOfMkdir);
}

function undefinedIfGone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

/** Followed by the process id of the writer. A host name may contain characters that a file name may not. */
const OURS = `${encodeURIComponent(hostname())}@`;

/** The name of a temporary file; it contains the host and process id of its writer. */
export function temporaryName(): string {
  return `${OURS}${process.pid}@${randomUUID()}`;
}

/**
 * Whether a temporary file was left by a process of this machine that has ended. False for files of another machine (or
 * container), for other names, and if the process id is in use again.
 */
function isLeftByDeadProcess(name: string): boolean {
  if (!name.startsWith(OURS)) return false;
  const writer = Number.parseInt(name.slice(OURS.length), 10);
  return Number.isSafeInteger(writer) && writer > 0 && !isRunning(writer);
}

/** Whether a process with this id exists, of any user; the id may have been reused by another process. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process exists, but may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
