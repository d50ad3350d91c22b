import type { ProcessedImage } from '../../processors/process-image.ts';

/** What a child without an image sends: its process id as the width, and a text as the bytes. */
export function respondWith(text: string): ProcessedImage {
  const size = { width: process.pid, height: 1 };
  const image = { bytes: Buffer.from(text), contentType: 'image/png', extension: 'png', ...size } as const;
  const timings = { decode_ms: 0, operations_ms: 0, encode_ms: 0, thumbnail_ms: 0 };
  return { result: image, thumbnail: image, source: size, timings };
}
