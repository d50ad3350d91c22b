import { create as contentDisposition } from 'content-disposition';
import type { Request, Response } from 'express';
import fresh from 'fresh';
import type { JobImage } from './find-image.ts';

/** Whether the caller has these bytes already, by `If-None-Match`. */
export function isKnownToCaller(request: Request, image: JobImage): boolean {
  return fresh(request.headers, { etag: etagOf(image) });
}

/** @param size of the body in bytes; an answer without one has none */
export function setImageHeaders(response: Response, image: JobImage, size?: number): void {
  response.setHeader('ETag', etagOf(image));
  response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  response.setHeader('Content-Type', image.contentType);
  response.setHeader('Content-Disposition', contentDisposition(image.fileName, { type: 'inline' }));
  // Opened by itself, the image may be shown and nothing else.
  response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  if (size !== undefined) response.setHeader('Content-Length', size);
}

function etagOf({ sha256 }: JobImage): string {
  return `"${sha256}"`;
}
