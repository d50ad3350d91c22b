import { readdirSync, truncateSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Photo } from './photos.ts';

/** What every part of the benchmark gets. Whatever a part starts, it starts with `during`, so that Ctrl-C can end it. */
export class BenchRun implements AsyncDisposable {
  readonly photos: readonly Photo[];
  readonly #open = new Set<Promise<AsyncDisposable>>();
  readonly #discarded: string[] = [];
  #ended = false;

  constructor(photos: readonly Photo[]) {
    this.photos = photos;
  }

  /** Prints a line of progress. */
  say(line: string): void {
    console.log(`  ${line}`);
  }

  /** Opens something, acts, and ends it. Once the run was ended, it never settles: the process is about to exit. */
  async during<Opened extends AsyncDisposable, Result>(
    open: () => Promise<Opened>,
    action: (opened: Opened) => Promise<Result>,
  ): Promise<Result> {
    await this.#waitIfEnded();
    const opening = open();
    this.#open.add(opening);
    try {
      return await action(await opening);
    } catch (error) {
      // What is measured while everything is being ended fails.
      await this.#waitIfEnded();
      throw error;
    } finally {
      await end(opening);
      this.#open.delete(opening);
    }
  }

  /**
   * Empties all files of a folder, and removes it at the end of the run. For minutes after files are removed, ext4 does not
   * use their inodes again: creating a file searches for others, which cost up to a quarter of an upload's CPU time.
   */
  discard(folder: string): void {
    this.#discarded.push(folder);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name));
    }
  }

  async #waitIfEnded(): Promise<void> {
    if (this.#ended) await new Promise(() => undefined);
  }

  /** Ends everything that is open, also what is still starting: the newest first. Removes what was discarded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    for (const opening of [...this.#open].reverse()) await end(opening);
    for (const folder of this.#discarded) await rm(folder, { recursive: true, force: true });
  }
}

async function end(opening: Promise<AsyncDisposable>): Promise<void> {
  // What could not be opened was reported to the caller.
  const opened = await opening.catch(() => undefined);
  await opened?.[Symbol.asyncDispose]();
}
