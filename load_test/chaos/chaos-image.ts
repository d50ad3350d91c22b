import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const IMAGES = join(import.meta.dirname, '../../test_images');

/** An image of test_images (or another file, by its absolute path), the operations, and the expected end of its job. */
export interface ChaosImage {
  readonly name: string;
  readonly operations: string;
  readonly ends: 'completed' | 'failed';
}

/** About 30 ms of work each, because chaos tests deliveries, not processing. One in ten is broken. */
export const smallImages: readonly ChaosImage[] = [
  ...Array.from({ length: 8 }, (_, index) => good(`orientation-${index + 1}.jpg`, 'resize:100x100')),
  good('palette.png', 'resize:64x64,filter:sepia'),
  { name: 'corrupted.jpg', operations: 'resize:100x100', ends: 'failed' },
];
export const smallImage = good('orientation-1.jpg', 'resize:100x100');

/** A third of a second of work, so that a fault can hit a worker in the middle of it. */
export const slowImage = good('sample.jpg', 'filter:blur,resize:1600x1200,filter:blur,watermark');

export function bytesOf({ name }: ChaosImage): Buffer<ArrayBuffer> {
  return Buffer.from(readFileSync(resolve(IMAGES, name)));
}

function good(name: string, operations: string): ChaosImage {
  return { name, operations, ends: 'completed' };
}
