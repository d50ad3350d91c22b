import type { Watermark } from '@image-pipeline/shared/contracts/operations.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { asBitmap, asSharp, resizeIn, type Bitmap } from '../engine/bitmap.ts';
import { blendOver } from '../engine/blend.ts';
import type { DrawText } from '../engine/text/text-renderer.ts';

/** The margin along the image's edges, relative to its smaller side. */
const MARGIN = 0.03;
/**
 * Minimum font size, in pixels: below it a text is unreadable, so small images get a larger watermark than requested.
 */
const SMALLEST_LEGIBLE = 14;
/**
 * A text that is still too long at this font size, in pixels, is drawn at it and then scaled down.
 */
const SMALLEST_FONT = 4;
/** The area of a Latin letter with its part of the line spacing, in em²; most characters have a larger one. */
const CHARACTER_AREA = 0.5;

/**
 * The position of the text in the free space, 0 = left or top, 1 = right or bottom; and the alignment of its lines.
 */
const PLACES = {
  'top-left': { x: 0, y: 0, align: 'left' },
  top: { x: 0.5, y: 0, align: 'centre' },
  'top-right': { x: 1, y: 0, align: 'right' },
  left: { x: 0, y: 0.5, align: 'left' },
  center: { x: 0.5, y: 0.5, align: 'centre' },
  right: { x: 1, y: 0.5, align: 'right' },
  'bottom-left': { x: 0, y: 1, align: 'left' },
  bottom: { x: 0.5, y: 1, align: 'centre' },
  'bottom-right': { x: 1, y: 1, align: 'right' },
} as const satisfies Record<Watermark['position'], unknown>;

/**
 * Draws a text onto an image, in place: white with a dark outline, so that it is visible on light and dark. It is
 * broken into lines, and scaled down if necessary, to fit into the image with a margin.
 * @throws PermanentFailure `processing_failed` if nothing in the text is visible
 */
export async function watermark(image: Bitmap, operation: Watermark, drawText: DrawText): Promise<void> {
  const smallerSide = Math.min(image.width, image.height);
  const margin = Math.floor(smallerSide * MARGIN);
  const box = { width: image.width - 2 * margin, height: image.height - 2 * margin };
  const fontSize = Math.max(SMALLEST_LEGIBLE, Math.round(smallerSide * operation.size));

  const text = await fitText(operation, fontSize, box, drawText);
  const { x, y } = PLACES[operation.position];
  const left = margin + Math.round((box.width - text.width) * x);
  const top = margin + Math.round((box.height - text.height) * y);
  blendOver(image, text, left, top, operation.opacity);
}

/**
 * Draws a text at the largest font size, from the given one down, at which it fits into the box. It is not drawn at sizes
 * at which it could not: that would take a lot of memory, or more than the 32,767 px that can be drawn.
 */
async function fitText(
  { text, position }: Watermark,
  largest: number,
  box: Size,
  drawText: DrawText,
): Promise<Bitmap> {
  const { align } = PLACES[position];
  const byArea = Math.sqrt((box.width * box.height) / (CHARACTER_AREA * text.length));
  const byHeight = box.height / text.split('\n').length;
  const start = Math.floor(Math.min(largest, byArea, byHeight));
  for (let fontSize = Math.max(SMALLEST_FONT, start); ;) {
    const drawn = await drawText({ text, fontSize, maxWidth: box.width, align });
    const fill = Math.max(drawn.width / box.width, drawn.height / box.height);
    if (fill <= 1) return drawn;
    if (fontSize <= SMALLEST_FONT) return shrink(drawn, box);
    // The area of a multi-line text shrinks with the square of the font size.
    fontSize = Math.max(SMALLEST_FONT, Math.floor(fontSize * Math.min(0.95, 1 / Math.sqrt(fill))));
  }
}

function shrink(text: Bitmap, box: Size): Promise<Bitmap> {
  const scale = Math.min(box.width / text.width, box.height / text.height);
  const width = Math.max(1, Math.floor(text.width * scale));
  const height = Math.max(1, Math.floor(text.height * scale));
  return asBitmap(resizeIn(asSharp(text), { width, height }, true));
}
