import { outputSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { Jimp, loadFont } from 'jimp';
import { SANS_32_WHITE } from 'jimp/fonts';
import sharp from 'sharp';
import { parseOperations } from '../../api/upload/parse-operations.ts';
import { createEngine, type EngineName } from '../../worker/engine/engine.ts';
import { defaultImageLimits } from '../../worker/engine/image-limits.ts';
import { processImage } from '../../worker/processors/process-image.ts';
import type { LoopName, LoopRequest, LoopResult } from './bare-loops.ts';
import { FIT, QUALITY, UPLOAD_FIELDS, WATERMARK } from './photos.ts';

/*
 * Processes photos in a loop, without queue, store or events. Runs as a child process: it receives requests, and replies
 * to each with what it did.
 */

const THUMBNAIL = { width: 256, height: 256 } as const;

type Work = (bytes: Uint8Array) => Promise<unknown>;

/** Each makes the same outputs: a result and a thumbnail. */
const loops: Readonly<Record<LoopName, () => Promise<Work>>> = {
  jimp: () => ownEngine('jimp'),
  sharp: () => ownEngine('sharp'),
  'plain sharp': plainSharp,
  'plain jimp': plainJimp,
};

async function ownEngine(name: EngineName): Promise<Work> {
  const engine = await createEngine(name);
  const operations = parseOperations(UPLOAD_FIELDS.operations);
  const output = outputSchema.parse({ quality: QUALITY });
  return (bytes) =>
    processImage(
      { bytes, contentType: 'image/jpeg', operations, output, limits: defaultImageLimits },
      engine,
    );
}

/** As sharp's documentation does it; on one thread, because every core runs a loop. */
function plainSharp(): Promise<Work> {
  sharp.concurrency(1);
  const text = Buffer.from(
    `<svg width="300" height="50"><text x="10" y="35" font-size="32" fill="white" opacity="0.5">${WATERMARK}</text></svg>`,
  );
  return Promise.resolve(async (bytes) => {
    const result = await sharp(bytes)
      .rotate()
      .resize({ ...FIT, fit: 'inside' })
      .composite([{ input: text, gravity: 'southeast' }])
      .jpeg({ quality: QUALITY })
      .toBuffer();
    await sharp(result)
      .resize({ ...THUMBNAIL, fit: 'inside' })
      .jpeg({ quality: QUALITY })
      .toBuffer();
  });
}

/** As jimp's documentation does it. */
async function plainJimp(): Promise<Work> {
  const font = await loadFont(SANS_32_WHITE);
  return async (bytes) => {
    const image = await Jimp.read(Buffer.from(bytes));
    image.scaleToFit({ w: FIT.width, h: FIT.height });
    image.print({ font, x: image.width - 250, y: image.height - 50, text: WATERMARK });
    await image.getBuffer('image/jpeg', { quality: QUALITY });
    image.scaleToFit({ w: THUMBNAIL.width, h: THUMBNAIL.height });
    await image.getBuffer('image/jpeg', { quality: QUALITY });
  };
}

let photos: readonly Uint8Array[] = [];
let work: Promise<Work> | undefined;

process.on('message', (request: LoopRequest) => {
  void handle(request).then((result) => process.send?.(result));
});

async function handle(request: LoopRequest): Promise<LoopResult> {
  if ('photos' in request) {
    photos = request.photos;
    work = loops[request.loop]();
  }
  const perform = await work;
  const [since, used] = [performance.now(), process.cpuUsage()];
  let images = 0;
  for (; images < photos.length || performance.now() - since < request.seconds * 1_000; images++) {
    await perform?.(photos[images % photos.length] ?? new Uint8Array());
  }
  const { user, system } = process.cpuUsage(used);
  return { images, seconds: (performance.now() - since) / 1_000, cpuMs: (user + system) / 1_000 };
}
