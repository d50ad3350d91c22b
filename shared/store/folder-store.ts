import { access, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { withinDeadline } from '../waiting.ts';
import { CheckedBody, measuredBody } from './bodies.ts';
import { FolderFlusher, linkIfAbsent, removeStaleFiles, replace, withTemporaryFile } from './durable-file.ts';
import {
  openObjectFile,
  readWholeFile,
  removeObjectFile,
  statObjectFile,
  walkFolder,
} from './object-files.ts';
import { checkKey, checkPrefix, checkStartAfter } from './object-key.ts';
import type {
  AnnouncedBody,
  ListedObject,
  ListOptions,
  ObjectStat,
  ObjectStore,
  StoredObject,
} from './object-store.ts';
import { holdsBytes } from './read-object.ts';
import { explainRefusal, folderRemedies, provePutIfAbsent } from './start-check.ts';
import { failureOf } from './store-failure.ts';

/** Age at which temporary files of other machines are removed at start-up. */
const STALE_MS = 60 * 60_000;

/** Read at a time: few steps for an image, but little memory for a slow reader, and little time in which others wait. */
const READ_BYTES = 128 * 1024;

export interface FolderStoreOptions {
  /** Created if missing. Processes of one machine may share it; its file system must support hard links. */
  readonly folder: string;
  /** How long a call may take, in milliseconds. */
  readonly operationMs: number;
}

/**
 * The store of one machine: an object is a file, its key the path below the folder. The subfolder `.tmp` has the files
 * that are being written; its presence distinguishes an empty store from a disk that is not mounted.
 */
export class FolderStore implements ObjectStore {
  /** From the start on without links, so that those in the store can be recognized. */
  #root: string;
  #temporary: string;
  readonly #operationMs: number;
  readonly #flusher = new FolderFlusher();
  #starting: Promise<void> | undefined;

  constructor(options: FolderStoreOptions) {
    this.#root = resolve(options.folder);
    this.#temporary = join(this.#root, '.tmp');
    this.#operationMs = options.operationMs;
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw explainRefusal(error, folderRemedies);
    }));
  }

  stop(): Promise<void> {
    this.#starting = undefined;
    return Promise.resolve();
  }

  async put(key: string, body: Uint8Array | Readable, announced?: AnnouncedBody): Promise<void> {
    try {
      const target = this.#path(key);
      await this.#attempt('put', key, (signal) =>
        withTemporaryFile(this.#temporary, measuredBody(body, announced?.size, signal), async (temporary) => {
          signal.throwIfAborted();
          await replace(temporary, target);
          await this.#flusher.flushAbove(target, this.#root);
        }),
      );
    } finally {
      if (body instanceof Readable) body.destroy();
    }
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    const target = this.#path(key);
    return this.#attempt('put', key, (signal) =>
      withTemporaryFile(this.#temporary, measuredBody(body, undefined, signal), async (temporary) => {
        signal.throwIfAborted();
        const ours = (await linkIfAbsent(temporary, target)) || (await holdsBytes(this, key, body));
        if (ours === undefined) throw new Error('the object was removed meanwhile');
        if (ours) await this.#flusher.flushAbove(target, this.#root);
        return ours;
      }),
    );
  }

  async get(key: string): Promise<StoredObject | undefined> {
    const path = this.#path(key);
    const opened = await this.#attempt('get', key, async (signal) => {
      return (await openObjectFile(path, signal)) ?? this.#nothing();
    });
    if (opened === undefined) return undefined;
    const { file, stat } = opened;
    const openBody = () => {
      const highWaterMark = Math.min(Math.max(stat.size, 1), READ_BYTES);
      return new CheckedBody(file.createReadStream({ highWaterMark }), {
        size: stat.size,
        waitMs: this.#operationMs,
        failure: (error) => this.#failure('get', key, error),
      });
    };
    let body: CheckedBody | undefined;
    return {
      stat,
      get body() {
        return (body ??= openBody());
      },
      readBytes: () => this.#attempt('get', key, () => readWholeFile(file, stat.size)),
    };
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    const path = this.#path(key);
    return this.#attempt('stat', key, async () => (await statObjectFile(path)) ?? this.#nothing());
  }

  async *list(prefix: string, { startAfter, limit }: ListOptions = {}): AsyncGenerator<ListedObject> {
    const range = {
      prefix: checkPrefix(prefix),
      startAfter: checkStartAfter(startAfter, prefix) ?? '',
    };
    const within = <T>(read: () => Promise<T>): Promise<T> => this.#attempt('list', prefix, read);
    await within(() => this.#nothing());
    let left = limit ?? Infinity;
    if (left <= 0) return;
    for await (const key of walkFolder(this.#root, range, within)) {
      const found = await within(() => statObjectFile(this.#path(key)));
      if (found === undefined) continue; // removed meanwhile
      yield { key, ...found };
      if (--left <= 0) return;
    }
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await this.#attempt('remove', key, () => removeObjectFile(path, this.#root));
  }

  async #start(): Promise<void> {
    await this.#attempt('start', '', async () => {
      const made = await mkdir(this.#temporary, { recursive: true });
      if (made !== undefined) await this.#flusher.flushAbove(this.#temporary, dirname(made));
      this.#root = await realpath(this.#root);
      this.#temporary = join(this.#root, '.tmp');
      await removeStaleFiles(this.#temporary, STALE_MS);
    });
    await provePutIfAbsent(this, 'Use a folder on a file system with hard links.');
  }

  /** @throws InvalidKey; therefore no path leaves the root */
  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  /** "Not found" is valid only if the store itself exists. */
  async #nothing(): Promise<undefined> {
    await access(this.#temporary).catch((error: unknown) => {
      throw new Error('its folder does not exist', { cause: error });
    });
  }

  async #attempt<T>(operation: string, key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withinDeadline(this.#operationMs, work);
    } catch (error) {
      throw this.#failure(operation, key, error);
    }
  }

  #failure(operation: string, key: string, error: unknown): unknown {
    return failureOf(error, { store: 'a folder', operation, key });
  }
}
