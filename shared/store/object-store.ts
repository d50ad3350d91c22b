import type { Readable } from 'node:stream';
import type { Startable } from '../lifecycle.ts';

/**
 * Where every durable truth of the pipeline lives: bytes under keys. What the bytes are (type, digest, display name) is
 * said by the JSON record that points to them, never by the store.
 *
 * Keys are described in `object-key.ts`; a key that breaks their rules is refused with InvalidKey. No key may be a
 * folder of another one (`a` and `a/b`: a folder refuses the second, MinIO hides it from lists); those of `keys.ts`
 * never are.
 *
 * Every call ends: with StoreUnavailable where the store is away, too slow, full or failing. That is nobody's fault but
 * the store's: the same call may be made again. An object is seen whole or not at all, whatever fails and whenever.
 */
export interface ObjectStore extends Startable {
  /**
   * Makes the store ready (folder or bucket made where missing) and proves that `putIfAbsent` holds on it.
   * @throws StoreMisconfigured where no waiting will help: the process should end with exit code 78
   * @throws StoreUnavailable where the store is away; may be called again
   */
  start(): Promise<void>;

  /** Closes connections. Call it when nothing is in flight any more. */
  stop(): Promise<void>;

  /**
   * Stores an object, replacing what is there under this key. Durable once it resolves; after a StoreUnavailable either
   * nothing or all of it may be there. A stream that fails or ends early leaves nothing, and its own error is thrown.
   *
   * @param body at most MAX_OBJECT_BYTES
   * @param options.size what a stream must yield, in bytes; a stream of another length is refused
   */
  put(key: string, body: Uint8Array | Readable, options?: { size?: number }): Promise<void>;

  /**
   * Stores an object unless there is one under this key already; of any number of writers at once, in any number of
   * processes, one wins.
   *
   * A call may have to find out whether an object that is there is its own (its connection died after the write), and
   * it does so by content: **equal bytes mean the same writer**, so a body must carry something of its writer's own,
   * such as an attempt id. May take twice the operation time-out.
   *
   * @returns true where the object under this key is ours, false where another one was there first
   */
  putIfAbsent(key: string, body: Uint8Array): Promise<boolean>;

  /**
   * Opens an object for reading; undefined where there is none. The body must be read to its end or destroyed. It ends
   * only after exactly `stat.size` bytes; cut or stalled, it fails with StoreUnavailable.
   */
  get(key: string): Promise<StoredObject | undefined>;

  /** What is known of an object without reading it; undefined where there is none. */
  stat(key: string): Promise<ObjectStat | undefined>;

  /**
   * The objects whose keys begin with `prefix`, by key in byte order. The prefix is plain text, not a folder: `dead/01`
   * finds `dead/0198…/1.json`. What is put or removed meanwhile may or may not be seen.
   *
   * @param options.startAfter only keys after this one; it must begin with the prefix itself
   * @param options.limit how many at most; without it, all
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;

  /** Removes an object; it is no error if there is none. */
  remove(key: string): Promise<void>;
}

/** What a store knows of an object. */
export interface ObjectStat {
  /** bytes */
  readonly size: number;
  /** To the second on MinIO. */
  readonly modifiedAt: Date;
  /** Opaque; another one each time that other bytes are put. */
  readonly etag: string;
}

export interface StoredObject {
  readonly stat: ObjectStat;
  readonly body: Readable;
}

export interface ListedObject extends ObjectStat {
  readonly key: string;
}

export interface ListOptions {
  readonly startAfter?: string;
  readonly limit?: number;
}

/** How long a store may take, in milliseconds. */
export interface StoreTimeouts {
  /** Until a connection stands; a folder has none. */
  readonly connectMs: number;
  /** A whole call. Of a body that is read as a stream: the time that the store, not the reader, lets pass. */
  readonly operationMs: number;
}

export const defaultTimeouts: StoreTimeouts = { connectMs: 2_000, operationMs: 15_000 };

/** Far above what the pipeline makes; bounds what one put can hold in memory. */
export const MAX_OBJECT_BYTES = 256 * 1024 * 1024;
