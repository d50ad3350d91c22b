import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import sharp from 'sharp';
import { asBitmap, asSharp, resizeIn, type Bitmap } from './bitmap.ts';
import { jimpOperations } from './jimp-engine.ts';
import { createTextRenderer, type DrawText } from './text/text-renderer.ts';

/**
 * What the engines do differently. In both, libvips decodes (which includes a first resize that reduces the image),
 * draws texts and encodes; the other filters are arithmetic of our own. Operations may change the image in place.
 */
export interface Operations {
  /** Whether `resize` needs an alpha channel. It adds one, but images are large: better decode with it. */
  readonly resizesRgba: boolean;
  resize(image: Bitmap, size: Size): Promise<Bitmap>;
  /** Gaussian; the radius is its standard deviation, in pixels. */
  blur(image: Bitmap, radius: number): Promise<Bitmap>;
}

export interface Engine extends Operations {
  readonly drawText: DrawText;
}

export const engines = {
  jimp: jimpOperations,
  sharp: {
    resizesRgba: false,
    resize: (image, size) => asBitmap(resizeIn(asSharp(image), size, image.channels === 4)),
    blur: (image, radius) => asBitmap(asSharp(image).blur({ sigma: radius, minAmplitude: 0.02 })),
  },
} as const satisfies Record<string, Operations>;
export type EngineName = keyof typeof engines;

/** Prepares an engine, once per process: draws a first text, which saves the first image 0.2 s. */
export async function createEngine(name: EngineName = 'jimp'): Promise<Engine> {
  sharp.cache(false);
  sharp.concurrency(1); // one image at a time, on one core: the pool runs processes in parallel
  return { ...engines[name], drawText: await createTextRenderer() };
}
