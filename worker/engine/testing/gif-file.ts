export interface GifFrameParts {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced?: boolean;
  /** The index of a transparent colour. */
  readonly transparent?: number;
  /** Colours of its own, as red, green, blue. */
  readonly palette?: readonly number[];
  /** LZW code size and sub-blocks; by default one pixel of the second colour. */
  readonly data?: readonly number[];
}

/** LZW: code size 2, one sub-block: clear, colour 1, end. */
const ONE_PIXEL = [2, 2, 0x4c, 0x01, 0];
const END = 0x3b;

/**
 * LZW of these colours as a frame's data: each is a code of its own.
 * @param colours 0–3
 */
export function lzw(colours: Iterable<number>, { withEnd = true, blockSize = 255 } = {}): number[] {
  const [clear, end, width] = [4, 5, 3];
  const codes = [...colours].flatMap((colour, i) => (i % 2 === 0 ? [clear, colour] : [colour]));
  if (withEnd) codes.push(end);
  const bits = codes.flatMap((code) => Array.from({ length: width }, (_, bit) => (code >> bit) & 1));
  const bytes = Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((byte, bit, place) => byte | (bit << place), 0),
  );
  const blocks: number[] = [];
  for (let at = 0; at < bytes.length; at += blockSize) {
    const block = bytes.slice(at, at + blockSize);
    blocks.push(block.length, ...block);
  }
  return [2, ...blocks, 0];
}

/**
 * A GIF with a palette of red and blue, built block by block, so that tests can make it invalid in any way.
 */
export function gifFile(
  screen: { width: number; height: number },
  frames: readonly GifFrameParts[],
  { palette = [255, 0, 0, 0, 0, 255] }: { palette?: readonly number[] } = {},
): Buffer {
  const head = [...uint16(screen.width), ...uint16(screen.height), tableFlags(palette), 0, 0];
  return Buffer.from([...Buffer.from('GIF89a'), ...head, ...palette, ...frames.flatMap(frameBlocks), END]);
}

function frameBlocks(frame: GifFrameParts): number[] {
  const {
    x = 0,
    y = 0,
    width,
    height,
    palette = [],
    data = ONE_PIXEL,
    interlaced = false,
    transparent,
  } = frame;
  const control = transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0];
  const flags = tableFlags(palette) | (interlaced ? 0x40 : 0);
  return [...control, 0x2c, ...[x, y, width, height].flatMap(uint16), flags, ...palette, ...data];
}

/** @param palette of 2, 4, 8 … colours, or none */
function tableFlags(palette: readonly number[]): number {
  return palette.length === 0 ? 0 : 0x80 | (Math.log2(palette.length / 3) - 1);
}

function uint16(value: number): number[] {
  return [value & 0xff, value >> 8];
}
