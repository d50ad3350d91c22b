import { mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';
import { defaultTimeouts } from '@image-pipeline/shared/store/object-store.ts';
import { codeOf } from '@image-pipeline/shared/store/store-failure.ts';
import { execa } from 'execa';
import type { StoreUnderTest } from './store-under-test.ts';

const DISK_SIZE = '64m';

/** The folder store; it is away as a disk is that is not mounted. No service may start then: it would make a new one. */
export class FolderUnderTest implements StoreUnderTest {
  readonly kind = 'folder';
  readonly environment: NodeJS.ProcessEnv;
  readonly direct: FolderStore;
  /** Whether it lies on a small disk of its own. */
  readonly canFill: boolean;
  readonly #disk: string;
  readonly #folder: string;
  #absence = Promise.withResolvers<undefined>();

  private constructor(disk: string, canFill: boolean) {
    this.#disk = disk;
    this.#folder = join(disk, 'store');
    this.canFill = canFill;
    this.environment = { STORE: 'folder', STORE_FOLDER: this.#folder };
    this.direct = new FolderStore({ folder: this.#folder, operationMs: defaultTimeouts.operationMs });
    this.#absence.resolve(undefined);
  }

  /** @param disk a folder that is made; where this process may, a small disk is mounted there */
  static async open(disk: string): Promise<FolderUnderTest> {
    await mkdir(disk);
    const mount = await execa('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'tmpfs', disk], {
      reject: false,
    });
    const opened = new FolderUnderTest(disk, !mount.failed);
    await opened.direct.start();
    return opened;
  }

  async away(): Promise<void> {
    this.#absence = Promise.withResolvers();
    await rename(this.#folder, `${this.#folder}-away`);
  }

  async back(): Promise<void> {
    await rename(`${this.#folder}-away`, this.#folder);
    this.#absence.resolve(undefined);
  }

  async whenThere(): Promise<void> {
    await this.#absence.promise;
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

  temporaryFiles(): Promise<string[]> {
    return readdir(join(this.#folder, '.tmp'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.direct.stop();
    if (this.canFill) await execa('umount', [this.#disk]);
  }
}
