import type { Bitmap } from './bitmap.ts';
import { undecodable } from './inspect/image-header.ts';
import type { GifFrame, GifImage } from './inspect/inspect-gif.ts';

/** The rows of an interlaced frame, in the order in which they are stored: every `step`th from `first` on. */
const PASSES = [
  { first: 0, step: 8 },
  { first: 4, step: 8 },
  { first: 2, step: 4 },
  { first: 1, step: 2 },
] as const;
const MAX_CODES = 4096;

/**
 * The first frame of a GIF on its canvas. What the frame does not cover is transparent, as are colours that its palette
 * does not have. RGB where every pixel is opaque, otherwise RGBA.
 *
 * libvips is not used because it takes some screen sizes for wrong, reads all later frames, and fills missing data with
 * transparent pixels.
 * @throws PermanentFailure `undecodable_image`
 */
export function decodeGif({ width, height, firstFrame: frame }: GifImage): Bitmap {
  const pixels = new Uint8Array(frame.width * frame.height);
  const decoded = decodeLzw(frame.data, pixels);
  if (decoded < pixels.length) {
    throw undecodable(
      `the first frame of the GIF contains ${decoded} pixels, but its header declares ${pixels.length}`,
    );
  }

  const palette = rgbaPalette(frame);
  const coversCanvas = frame.width === width && frame.height === height;
  const channels =
    coversCanvas && coloursOf(pixels).every((colour) => palette[colour * 4 + 3] === 255) ? 3 : 4;

  const data = Buffer.alloc(width * height * channels);
  let from = 0;
  for (const row of storedRows(frame)) {
    let to = ((frame.y + row) * width + frame.x) * channels;
    for (const end = from + frame.width; from < end; from++, to += channels) {
      const colour = (pixels[from] ?? 0) * 4;
      data[to] = palette[colour] ?? 0;
      data[to + 1] = palette[colour + 1] ?? 0;
      data[to + 2] = palette[colour + 2] ?? 0;
      if (channels === 4) data[to + 3] = palette[colour + 3] ?? 0;
    }
  }
  return { data, width, height, channels };
}

/** 256 colours; black and white without a palette. */
function rgbaPalette({ palette, transparent }: GifFrame): Uint8Array {
  const colours = palette.length > 0 ? palette : Buffer.from([0, 0, 0, 255, 255, 255]);
  const rgba = new Uint8Array(256 * 4);
  for (let colour = 0; colour * 3 < colours.length; colour++) {
    if (colour === transparent) continue;
    rgba.set(colours.subarray(colour * 3, colour * 3 + 3), colour * 4);
    rgba[colour * 4 + 3] = 255;
  }
  return rgba;
}

function coloursOf(pixels: Uint8Array): number[] {
  const isUsed = new Uint8Array(256);
  for (const colour of pixels) isUsed[colour] = 1;
  return [...isUsed.keys()].filter((colour) => isUsed[colour] === 1);
}

function* storedRows({ height, interlaced }: GifFrame): Generator<number> {
  for (const { first, step } of interlaced ? PASSES : [{ first: 0, step: 1 }]) {
    for (let row = first; row < height; row += step) yield row;
  }
}

/**
 * Decodes LZW as in GIF89a, appendix F. A string of the table is where it was first written: it needs no memory of its
 * own.
 * @param data the code size, then sub-blocks
 * @param pixels receives one colour a pixel; surplus data is ignored
 * @returns how many pixels the data contains
 * @throws PermanentFailure `undecodable_image` if a code is used before it is defined
 */
function decodeLzw(data: Buffer, pixels: Uint8Array): number {
  const colourBits = data.readUInt8(0);
  if (colourBits < 1 || colourBits > 11) throw undecodable(`the GIF has a code size of ${colourBits} bits`);
  const clear = 1 << colourBits;
  const end = clear + 1;
  const starts = new Uint32Array(MAX_CODES);
  const lengths = new Uint16Array(MAX_CODES);

  let width = colourBits + 1;
  let codes = end + 1;
  let previousLength = 0;
  let done = 0;
  let bits = 0;
  let bitCount = 0;
  let leftInBlock = 0;
  for (let at = 1; done < pixels.length;) {
    while (bitCount < width) {
      if (leftInBlock === 0) leftInBlock = data[at++] ?? 0;
      if (leftInBlock === 0) return done;
      bits |= (data[at++] ?? 0) << bitCount;
      bitCount += 8;
      leftInBlock -= 1;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;

    if (code === end) return done;
    if (code === clear) {
      width = colourBits + 1;
      codes = end + 1;
      previousLength = 0;
      continue;
    }
    if (previousLength > 0 && codes < MAX_CODES) {
      // The previous string and the first pixel of this one, which is written next.
      starts[codes] = done - previousLength;
      lengths[codes] = previousLength + 1;
      codes += 1;
      if (codes === 1 << width && width < 12) width += 1;
    }
    if (code < clear) {
      pixels[done++] = code;
      previousLength = 1;
    } else if (code < codes) {
      const start = starts[code] ?? 0;
      previousLength = Math.min(lengths[code] ?? 0, pixels.length - done);
      for (let i = start; i < start + previousLength; i++) pixels[done++] = pixels[i] ?? 0;
    } else {
      throw undecodable('the pixel data of the GIF is damaged');
    }
  }
  return done;
}
