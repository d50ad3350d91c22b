import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '@image-pipeline/shared/is-running.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

/** Followed by process id and start time of its owner. */
const PREFIX = 'image-pipeline-api-';
const BIRTH = Math.round(performance.timeOrigin);

/** The temporary folder of this process; each upload gets a folder in it for its files. */
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
    this.#path ??= await mkdtemp(join(this.#parent, `${PREFIX}${process.pid}-${BIRTH}-`));
  }

  /** A new, empty folder, readable by nobody else. */
  async makeFolder(): Promise<string> {
    if (this.#path === undefined) throw new Error('the temporary folder has not been created yet');
    return mkdtemp(join(this.#path, 'upload-'));
  }

  async stop(): Promise<void> {
    if (this.#path !== undefined) await this.#remove(this.#path);
    this.#path = undefined;
  }

  /** Removes folders of processes that were killed. */
  async #removeStrays(): Promise<void> {
    for (const name of await readdir(this.#parent)) {
      if (!name.startsWith(PREFIX) || isInUse(name.slice(PREFIX.length))) continue;
      // A folder of another user cannot be removed; that must not prevent the start.
      await this.#remove(join(this.#parent, name)).catch(() => undefined);
    }
  }
}

/** Retries, because files may still be created in it. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** In a container every process may have the same id: another start time means an earlier process. */
function isInUse(owner: string): boolean {
  const [pid, birth] = owner.split('-').map(Number);
  if (pid === undefined || Number.isNaN(pid)) return true;
  return pid === process.pid ? birth === BIRTH : isRunning(pid);
}
