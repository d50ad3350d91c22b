import sharp from 'sharp';
import { createCodecs, type Codecs } from './codecs.ts';
import { createTextRenderer, type DrawText } from './text/text-renderer.ts';

/** What the processing of images needs apart from the images; made once a process. */
export interface Engine {
  readonly codecs: Codecs;
  readonly drawText: DrawText;
}

/** Compiles the codecs and draws a first text: 0.2 s that the first image need not wait for. */
export async function createEngine(): Promise<Engine> {
  sharp.cache(false);
  sharp.concurrency(1); // one image at a time, on one core: parallelism is the pool's affair
  const [codecs, drawText] = await Promise.all([createCodecs(), createTextRenderer()]);
  return { codecs, drawText };
}
