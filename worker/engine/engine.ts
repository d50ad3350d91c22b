import sharp from 'sharp';
import { createCodecs, type Codecs } from './codecs.ts';
import { createTextRenderer, type DrawText } from './text/text-renderer.ts';

/** The codecs and the text renderer; created once per process. */
export interface Engine {
  readonly codecs: Codecs;
  readonly drawText: DrawText;
}

/** Compiles the codecs and draws a first text, which saves the first image 0.2 s. */
export async function createEngine(): Promise<Engine> {
  sharp.cache(false);
  sharp.concurrency(1); // one image at a time, on one core: the pool runs processes in parallel
  const [codecs, drawText] = await Promise.all([createCodecs(), createTextRenderer()]);
  return { codecs, drawText };
}
