import { PipelineError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** Far above the size of a record, which is a few kilobytes. */
const MAX_JSON_BYTES = 1024 * 1024;

/**
 * An object as one buffer; undefined if there is none.
 * @param maxBytes a larger object is rejected before it is read, so that memory stays bounded
 * @throws StoreUnavailable; PipelineError `record_damaged` if the object is too large
 */
export async function readBytes(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const found = await store.get(key);
  if (found === undefined) return undefined;
  if (found.stat.size > maxBytes) {
    found.body.destroy();
    throw new PipelineError(
      'record_damaged',
      `The object ${key} has ${found.stat.size} bytes; the maximum is ${maxBytes}.`,
    );
  }
  return found.readBytes();
}

/**
 * A record, parsed; undefined if there is none.
 * @param schema of zod, or anything else that throws if a value is invalid
 * @throws StoreUnavailable; PipelineError `record_damaged` if the object is not such a record
 */
export async function readJson<T>(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  schema: { parse(value: unknown): T },
): Promise<T | undefined> {
  const bytes = await readBytes(store, key, MAX_JSON_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new PipelineError('record_damaged', `The record ${key} is malformed.`, { cause: error });
  }
}

/** The bytes of a record to store. */
export function jsonBody(record: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/** Whether the object under `key` has exactly these bytes; undefined if there is none. */
export async function holdsBytes(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  bytes: Uint8Array,
): Promise<boolean | undefined> {
  const found = await store.get(key);
  if (found === undefined) return undefined;
  if (found.stat.size !== bytes.length) {
    found.body.destroy();
    return false;
  }
  return (await found.readBytes()).equals(bytes);
}
