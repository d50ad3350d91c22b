import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { startSystem, type System, type SystemOptions } from '../../testing/start-system.ts';
import type { Photo } from './photos.ts';

/** What every part of the benchmark gets. Whatever a part starts, it starts with `during`, so that Ctrl-C can end it. */
export class BenchRun implements AsyncDisposable {
  readonly photos: readonly Photo[];
  /** Ends what is open or still starting: once, however often it is called. */
  readonly #ends = new Set<() => Promise<void>>();
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
    let ending: Promise<void> | undefined;
    const end = () => (ending ??= endOf(opening));
    this.#ends.add(end);
    try {
      return await action(await opening);
    } catch (error) {
      // What is measured while everything is being ended fails.
      await this.#waitIfEnded();
      throw error;
    } finally {
      await end().finally(() => this.#ends.delete(end));
    }
  }

  /** Starts a system whose folder is discarded at its end. */
  async startSystem(options: SystemOptions): Promise<System> {
    const system = await startSystem(options);
    system.keepFolder();
    const end = async () => {
      try {
        await system[Symbol.asyncDispose]();
      } finally {
        await this.discard(system.folder);
      }
    };
    return { ...system, [Symbol.asyncDispose]: end };
  }

  /**
   * Empties the files of a folder, and removes it at the end of the run. For minutes after files are removed, ext4 does not
   * use their inodes again: creating a file searches for others, which cost up to a quarter of an upload's CPU time.
   */
  async discard(folder: string): Promise<void> {
    this.#discarded.push(folder);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries.filter((found) => found.isFile())) {
      // A file that has vanished or is read-only, such as .erlang.cookie of RabbitMQ, is left as it is.
      await truncate(join(entry.parentPath, entry.name)).catch(() => undefined);
    }
  }

  async #waitIfEnded(): Promise<void> {
    if (this.#ended) await new Promise(() => undefined);
  }

  /** Ends everything that is open, also what is still starting: the newest first. Removes what was discarded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    // Continues after what fails.
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => this.#removeDiscarded());
    for (const end of this.#ends) cleanup.defer(end);
  }

  async #removeDiscarded(): Promise<void> {
    for (const folder of this.#discarded) {
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
        this.say(`Cannot remove ${folder}: ${messageOf(error)}`),
      );
    }
  }
}

async function endOf(opening: Promise<AsyncDisposable>): Promise<void> {
  // What could not be opened was reported to the caller.
  const opened = await opening.catch(() => undefined);
  await opened?.[Symbol.asyncDispose]();
}
