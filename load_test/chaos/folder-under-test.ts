import { mkdir, readdir, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';
import { defaultTimeouts } from '@image-pipeline/shared/store/object-store.ts';
import { codeOf } from '@image-pipeline/shared/store/store-failure.ts';
import { execa } from 'execa';
import type { StoreUnderTest } from './store-under-test.ts';

const DISK_SIZE = '64m';

/**
 * The folder store, which services find by a link. While it is away the link leads to itself (ELOOP): nobody can reach the
 * folder, and no service that starts meanwhile can make a new one in its place.
 */
export class FolderUnderTest implements StoreUnderTest {
  readonly kind = 'folder';
  readonly environment: NodeJS.ProcessEnv;
  readonly direct: FolderStore;
  /** Whether it lies on a small disk of its own. */
  readonly canFill: boolean;
  readonly #disk: string;
  readonly #folder: string;
  readonly #link: string;
  /** Being written when the folder vanished: nobody could remove it, and it stays until its writer has ended. */
  readonly #interrupted = new Set<string>();

  private constructor(disk: string, canFill: boolean) {
    this.#disk = disk;
    this.#folder = join(disk, 'store');
    this.#link = join(disk, 'link');
    this.canFill = canFill;
    this.environment = { STORE: 'folder', STORE_FOLDER: this.#link };
    this.direct = new FolderStore({ folder: this.#folder, operationMs: defaultTimeouts.operationMs });
  }

  /** @param disk a folder that is made; where this process may, a small disk is mounted there */
  static async open(disk: string): Promise<FolderUnderTest> {
    await mkdir(disk);
    const mount = await execa('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'tmpfs', disk], {
      reject: false,
    });
    const opened = new FolderUnderTest(disk, !mount.failed);
    await opened.direct.start();
    await opened.back();
    return opened;
  }

  async away(): Promise<void> {
    await this.#leadTo(this.#link);
    for (const name of await readdir(join(this.#folder, '.tmp'))) this.#interrupted.add(name);
  }

  async back(): Promise<void> {
    await this.#leadTo(this.#folder);
  }

  async #leadTo(target: string): Promise<void> {
    const next = `${this.#link}-next`;
    await symlink(target, next);
    await rename(next, this.#link);
  }

  /** Leaves no room on its disk until `makeRoom`. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#disk);
    // Others write meanwhile, so that the last of it may find no room: then the disk is full, too.
    await writeFile(this.#ballast, Buffer.alloc(bavail * bsize)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOSPC') throw error;
    });
  }

  async makeRoom(): Promise<void> {
    await rm(this.#ballast);
  }

  get #ballast(): string {
    return join(this.#disk, 'ballast');
  }

  async temporaryFiles(): Promise<string[]> {
    const names = await readdir(join(this.#folder, '.tmp'));
    return names.filter((name) => !this.#interrupted.has(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.direct.stop();
    if (this.canFill) await execa('umount', [this.#disk]);
  }
}
