import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

/** Followed by the process id of its owner. */
const PREFIX = 'image-pipeline-api-';

/** A folder of this process alone, in which each upload gets one for its files. */
export class TempFolder implements Startable {
  readonly #parent: string;
  readonly #remove: typeof removeFolder;
  #path: string | undefined;

  constructor(parent = tmpdir(), remove = removeFolder) {
    this.#parent = parent;
    this.#remove = remove;
  }

  async start(): Promise<void> {
    await this.#removeStrays();
    this.#path ??= await mkdtemp(join(this.#parent, `${PREFIX}${process.pid}-`));
  }

  /** A new, empty folder, readable by nobody else. */
  async makeFolder(): Promise<string> {
    if (this.#path === undefined) throw new Error('the temporary folder is not there yet');
    return mkdtemp(join(this.#path, 'upload-'));
  }

  async stop(): Promise<void> {
    if (this.#path !== undefined) await this.#remove(this.#path);
    this.#path = undefined;
  }

  /** What processes left that were killed before they could stop. */
  async #removeStrays(): Promise<void> {
    for (const name of await readdir(this.#parent)) {
      const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : NaN;
      if (Number.isNaN(owner) || isRunning(owner)) continue;
      // One that belongs to another user may stay: that is no reason not to start.
      await this.#remove(join(this.#parent, name)).catch(() => undefined);
    }
  }
}

/** Also while somebody still makes files in it. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not allowed to signal it: it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
