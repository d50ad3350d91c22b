import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

/** Followed by the process id of its owner. */
const PREFIX = 'image-pipeline-api-';

/** A folder of this process alone, in which each upload gets one for its files. */
export class TempFolder implements Startable {
  readonly #parent: string;
  #path: string | undefined;

  constructor(parent = tmpdir()) {
    this.#parent = parent;
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
    if (this.#path !== undefined) await removeFolder(this.#path);
    this.#path = undefined;
  }

  /** What processes left that were killed before they could stop. */
  async #removeStrays(): Promise<void> {
    for (const name of await readdir(this.#parent)) {
      const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : NaN;
      if (Number.isNaN(owner) || isRunning(owner)) continue;
      await removeFolder(join(this.#parent, name));
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
