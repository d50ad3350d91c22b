import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const IMAGES = join(import.meta.dirname, '../../test_images');

/** An image of test_images (or of another folder, by its whole path), what is asked for it, and how that must end. */
export interface ChaosImage {
  readonly name: string;
  readonly operations: string;
  readonly ends: 'completed' | 'failed';
}

/** Some 30 ms of work each: what is tried here is the way, not the arithmetic. One in ten is broken. */
export const smallImages: readonly ChaosImage[] = [
  ...Array.from({ length: 8 }, (_, index) => good(`orientation-${index + 1}.jpg`, 'resize:100x100')),
  good('palette.png', 'resize:64x64,filter:sepia'),
  { name: 'corrupted.jpg', operations: 'resize:100x100', ends: 'failed' },
];

/** A third of a second of work, so that a worker can be met in the middle of it. */
export const slowImage = good('sample.jpg', 'filter:blur,resize:1600x1200,filter:blur,watermark');

export function bytesOf({ name }: ChaosImage): Buffer<ArrayBuffer> {
  return Buffer.from(readFileSync(resolve(IMAGES, name)));
}

function good(name: string, operations: string): ChaosImage {
  return { name, operations, ends: 'completed' };
}
