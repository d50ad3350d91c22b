import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { ObjectStat } from './object-store.ts';

const contentTypes: Readonly<Record<string, string>> = {
  json: 'application/json',
  jpg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** For people who look into the bucket with MinIO's own tools; nothing of ours reads it back. */
export function contentTypeHeader(key: string): { 'content-type': string } {
  const extension = key.slice(key.lastIndexOf('.') + 1);
  return { 'content-type': contentTypes[extension] ?? 'application/octet-stream' };
}

/** What the answer to a GET says of the object: of the very bytes that follow. */
export function statOfResponse(response: Readable): ObjectStat {
  if (!(response instanceof IncomingMessage)) {
    throw new TypeError('minio-js did not return a response');
  }
  const { 'content-length': length, 'last-modified': modified, etag } = response.headers;
  if (length === undefined) throw new Error('the response has no Content-Length');
  return {
    size: Number(length),
    modifiedAt: new Date(modified ?? 0),
    etag: (etag ?? '').replaceAll('"', ''),
  };
}
