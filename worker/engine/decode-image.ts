import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import sharp, { type Sharp } from 'sharp';
import { asBitmap, asSharp, resizeIn, sameSize, type Bitmap } from './bitmap.ts';
import { toSrgb } from './colour-space.ts';
import { decodeGif } from './decode-gif.ts';
import type { Orientation } from './inspect/exif-orientation.ts';
import { undecodable } from './inspect/image-header.ts';
import type { InspectedImage } from './inspect/inspect-image.ts';
import type { JpegImage } from './inspect/inspect-jpeg.ts';
import type { PngImage } from './inspect/inspect-png.ts';
import type { WebpImage } from './inspect/inspect-webp.ts';

/** How to make a stored image upright: flip it upside down, then rotate it clockwise by degrees. */
const STEPS: Readonly<Record<Orientation, { flip: boolean; turn: 0 | 90 | 180 | 270 }>> = {
  1: { flip: false, turn: 0 },
  2: { flip: true, turn: 180 },
  3: { flip: false, turn: 180 },
  4: { flip: true, turn: 0 },
  5: { flip: true, turn: 90 },
  6: { flip: false, turn: 90 },
  7: { flip: true, turn: 270 },
  8: { flip: false, turn: 270 },
};

/** The size that an image has once it is upright; its own inverse. */
export function orientedSize({ width, height }: Size, orientation: Orientation): Size {
  return STEPS[orientation].turn % 180 === 0 ? { width, height } : { width: height, height: width };
}

/**
 * The pixels of the first frame in sRGB, upright. CMYK and other colour spaces are converted; transparency is kept.
 *
 * With `reduceTo` no more is decoded than that takes: libjpeg leaves out what a reduced image does not show, libwebp
 * scales while it decodes, and libvips reduces what remains, a few rows at a time.
 * @param reduceTo size of the upright image, in pixels; neither side larger than that of the original
 * @param alpha whether to add an alpha channel to an image without one
 * @throws PermanentFailure `undecodable_image`
 */
export async function decodeImage(
  image: InspectedImage,
  reduceTo: Size = orientedSize(image, image.orientation),
  alpha = false,
): Promise<Bitmap> {
  try {
    const { pipeline, hasAlpha, mayScale } = await open(image);
    const stored = orientedSize(reduceTo, image.orientation);
    if (!sameSize(stored, image)) resizeIn(pipeline, stored, hasAlpha, mayScale);
    const { flip, turn } = STEPS[image.orientation];
    pipeline.flip(flip).rotate(turn);
    if (alpha) pipeline.ensureAlpha();
    return await (image.format === 'png' ? pngPixels(pipeline, image) : asBitmap(pipeline));
  } catch (error) {
    if (error instanceof PermanentFailure) throw error;
    throw undecodable(`its ${image.format.toUpperCase()} data is damaged`, error);
  }
}

interface Opened {
  readonly pipeline: Sharp;
  readonly hasAlpha: boolean;
  /** Whether the decoder may scale. */
  readonly mayScale: boolean;
}

/** The first frame on its canvas, as it is stored. */
async function open(image: InspectedImage): Promise<Opened> {
  if (image.format === 'gif') return openBitmap(decodeGif(image));
  if (image.format !== 'webp') return openFile(image, image);
  const frame = await openFile(image, image.firstFrame);
  // libwebp weights colours by a hidden alpha channel when it scales, though not when it decodes.
  if (sameSize(image.firstFrame, image)) return { ...frame, mayScale: !image.mayHideAlpha };
  return openBitmap(await onCanvas(await asBitmap(frame.pipeline.ensureAlpha()), image));
}

async function openFile(image: JpegImage | PngImage | WebpImage, size: Size): Promise<Opened> {
  const pipeline = sharp(image.picture, {
    failOn: 'error',
    // What libvips finds in the file may not be larger than what the limits were checked for.
    limitInputPixels: size.width * size.height,
    // Lifts the limit of libvips on the scans of a progressive JPEG: ours was checked. Other formats keep theirs.
    unlimited: image.format === 'jpeg',
  });
  const found = await pipeline.metadata();
  if (!sameSize(found, size)) throw undecodable('its data does not match its header');
  if (found.hasProfile && found.depth === 'ushort') {
    // sharp converts 16-bit colours to Display P3 only, and ignores the profiles of 16-bit greys.
    if (found.space === 'rgb16') pipeline.withIccProfile('srgb');
    else pipeline.pipelineColourspace('b-w');
  }
  return { pipeline, hasAlpha: found.hasAlpha, mayScale: true };
}

function openBitmap(bitmap: Bitmap): Opened {
  return { pipeline: asSharp(bitmap), hasAlpha: bitmap.channels === 4, mayScale: true };
}

/** What the frame does not cover is transparent. */
function onCanvas(frame: Bitmap, { firstFrame: { x, y }, width, height }: WebpImage): Promise<Bitmap> {
  const beyond = { left: x, top: y, right: width - x - frame.width, bottom: height - y - frame.height };
  return asBitmap(asSharp(frame).extend({ ...beyond, background: '#00000000' }));
}

async function pngPixels(pipeline: Sharp, { depth, colourSpace }: PngImage): Promise<Bitmap> {
  if (typeof colourSpace !== 'object') return asBitmap(pipeline);
  if (depth < 16) {
    const bitmap = await asBitmap(pipeline);
    return toSrgb(bitmap.data, bitmap, colourSpace);
  }
  const { data, info } = await pipeline
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const samples = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return toSrgb(samples, { ...info, channels: info.channels === 3 ? 3 : 4 }, colourSpace);
}
