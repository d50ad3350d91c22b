import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';
import { defaultTimeouts } from '@image-pipeline/shared/store/object-store.ts';
import type { StoreUnderTest } from './store-under-test.ts';

/** The folder store; it is away as a disk is that is not mounted. No service may start then: it would make a new one. */
export class FolderUnderTest implements StoreUnderTest {
  readonly kind = 'folder';
  readonly environment: NodeJS.ProcessEnv;
  readonly direct: FolderStore;
  readonly #folder: string;
  #absence = Promise.withResolvers<undefined>();

  private constructor(folder: string) {
    this.#folder = folder;
    this.environment = { STORE: 'folder', STORE_FOLDER: folder };
    this.direct = new FolderStore({ folder, operationMs: defaultTimeouts.operationMs });
    this.#absence.resolve(undefined);
  }

  static async open(folder: string): Promise<FolderUnderTest> {
    const opened = new FolderUnderTest(folder);
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

  temporaryFiles(): Promise<string[]> {
    return readdir(join(this.#folder, '.tmp'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.direct.stop();
  }
}
