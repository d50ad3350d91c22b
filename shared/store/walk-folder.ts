import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isSegment } from './object-key.ts';
import { codeOf } from './store-failure.ts';

/**
 * The keys of the files under `root` that begin with `prefix` and come after `startAfter`, in byte order of the whole
 * key. Whatever has no name of ours (the store's `.tmp`, a `.DS_Store`, a link) is passed over.
 *
 * @param within bounds the time of each look at a folder
 */
export async function* walkFolder(
  root: string,
  range: { prefix: string; startAfter: string },
  within: <T>(look: () => Promise<T>) => Promise<T>,
): AsyncGenerator<string> {
  yield* walk('');

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

/** Whether keys in this folder (ends in `/`) can lie in the range. */
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
