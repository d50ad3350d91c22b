import type { Readable } from 'node:stream';
import type { Startable } from '../lifecycle.ts';

/**
 * The durable state of the pipeline: bytes under keys. Their type, digest and display name are in the JSON record that
 * points to them, not in the store.
 *
 * Keys are described in `object-key.ts`; an invalid key is rejected with InvalidKey. No key may be a
 * folder of another one (`a` and `a/b`: a folder store rejects the second, MinIO hides it from lists); those of `keys.ts`
 * never are.
 *
 * Every call has a timeout: it fails with StoreUnavailable if the store is unavailable, too slow, full or failing. The
 * same call may then be repeated. An object is visible as a whole or not at all, whatever fails.
 */
export interface ObjectStore extends Startable {
  /**
   * Prepares the store (creates a missing folder or bucket) and verifies that `putIfAbsent` works.
   * @throws StoreMisconfigured if retrying cannot help: the process should exit with code 78
   * @throws StoreUnavailable; may be called again
   */
  start(): Promise<void>;

  /** Closes connections. Call it when no call is in flight. */
  stop(): Promise<void>;

  /**
   * Stores an object, replacing an existing one. Durable once it resolves; after a StoreUnavailable, the object may be
   * stored or not. A stream that fails or ends early leaves nothing, and its own error is thrown.
   *
   * @param body at most MAX_OBJECT_BYTES
   * @param announced of a stream: one of another length is rejected. Without it, a store may keep the whole stream in memory
   */
  put(key: string, body: Uint8Array | Readable, announced?: AnnouncedBody): Promise<void>;

  /**
   * Stores an object unless the key exists. Of any number of concurrent writers, in any number of processes, one wins.
   *
   * A call may have to find out whether an existing object is its own (if its connection was lost after the write). It
   * compares the content: **equal bytes mean the same writer**, so a body must contain something unique to its writer,
   * such as an attempt id. May take twice the operation timeout.
   *
   * @returns true if the object under this key is ours, false if another one was first
   */
  putIfAbsent(key: string, body: Uint8Array): Promise<boolean>;

  /**
   * Opens an object for reading; undefined if it does not exist. Read its bytes, or read its body to the end or destroy it.
   */
  get(key: string): Promise<StoredObject | undefined>;

  /** The metadata of an object; undefined if it does not exist. */
  stat(key: string): Promise<ObjectStat | undefined>;

  /**
   * The objects whose keys begin with `prefix`, by key in byte order. The prefix is plain text, not a folder: `dead/01`
   * finds `dead/0198…/1.json`. What is put or removed meanwhile may or may not be seen.
   *
   * @param options.startAfter only keys after this one; it must begin with the prefix itself
   * @param options.limit how many at most; without it, all
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;

  /** Removes an object, if it exists. */
  remove(key: string): Promise<void>;
}

/** A body whose length and digest are known before it is sent. */
export interface AnnouncedBody {
  /** bytes */
  readonly size: number;
  /** hex */
  readonly sha256: string;
}

/** The metadata of an object. */
export interface ObjectStat {
  /** bytes */
  readonly size: number;
  /** To the second on MinIO. */
  readonly modifiedAt: Date;
  /** Opaque; changes whenever the content changes. */
  readonly etag: string;
}

export interface StoredObject {
  readonly stat: ObjectStat;
  /** Ends only after exactly `stat.size` bytes; cut or stalled, it fails with StoreUnavailable. */
  readonly body: Readable;
  /** All of it at once, instead of the body. @throws StoreUnavailable if it is cut or stalled */
  readBytes(): Promise<Buffer>;
}

export interface ListedObject extends ObjectStat {
  readonly key: string;
}

export interface ListOptions {
  readonly startAfter?: string;
  readonly limit?: number;
}

/** Timeouts of a store, in milliseconds. */
export interface StoreTimeouts {
  /** Until connected; a folder has no connection. */
  readonly connectMs: number;
  /** A whole call. Of a body that is read as a stream: the time that the store, not the reader, lets pass. */
  readonly operationMs: number;
}

export const defaultTimeouts: StoreTimeouts = { connectMs: 2_000, operationMs: 15_000 };

/** Far more than the pipeline stores; limits the memory of one put. */
export const MAX_OBJECT_BYTES = 256 * 1024 * 1024;
