export interface GifFrame {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  /** LZW code size and sub-blocks; by default one pixel of the second colour. */
  readonly data?: readonly number[];
}

/** LZW: code size 2, one sub-block: clear, colour 1, end. */
const ONE_PIXEL = [2, 2, 0x4c, 0x01, 0];
const END = 0x3b;

/**
 * A GIF with a palette of red and blue, built block by block, so that tests can make it invalid in any way.
 */
export function gifFile(screen: { width: number; height: number }, frames: readonly GifFrame[]): Buffer {
  const blocks = frames.map(({ x = 0, y = 0, width, height, data = ONE_PIXEL }) => [
    0x2c,
    ...[x, y, width, height].flatMap(uint16),
    0,
    ...data,
  ]);
  const head = [...uint16(screen.width), ...uint16(screen.height), 0x80, 0, 0];
  const palette = [255, 0, 0, 0, 0, 255];
  return Buffer.from([...Buffer.from('GIF89a'), ...head, ...palette, ...blocks.flat(), END]);
}

function uint16(value: number): number[] {
  return [value & 0xff, value >> 8];
}
