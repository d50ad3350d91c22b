import { exifOrientation, type Orientation } from './exif-orientation.ts';
import { undecodable, type ImageHeader } from './image-header.ts';

export interface PngHeader extends ImageHeader {
  readonly format: 'png';
  /** Bytes that the pixel data inflates to, filter bytes and all interlacing passes included. */
  readonly inflatedBytes: number;
  /** The compressed pixel data: the contents of the IDAT chunks. */
  readonly compressed: readonly Buffer[];
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const MAX_DIMENSION = 2 ** 31 - 1;
/** Samples a pixel and the bit depths allowed, by colour type (PNG 3rd edition, table 12). */
const COLOUR_TYPES: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
/** Adam7: where each pass begins and how far its pixels are apart, as [x, y, step x, step y]. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** @throws PermanentFailure `undecodable_image`, or a RangeError where the file is truncated */
export function inspectPng(file: Buffer): PngHeader {
  if (!file.subarray(0, 8).equals(SIGNATURE)) throw undecodable('it has no PNG signature');
  const compressed: Buffer[] = [];
  let header: ReturnType<typeof readIhdr> | undefined;
  let orientation: Orientation = 1;

  for (let at = 8; ;) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    if (data.length < length || at + 12 + length > file.length) throw undecodable('a PNG chunk is truncated');
    at += 12 + length;

    if (header === undefined && type !== 'IHDR') throw undecodable('the PNG does not start with its header');
    if (type === 'IHDR') header ??= readIhdr(data);
    else if (type === 'IDAT') compressed.push(data);
    else if (type === 'eXIf') orientation = exifOrientation(data);
    else if (type === 'IEND') break;
  }
  if (header === undefined || compressed.length === 0) throw undecodable('the PNG has no pixel data');
  const totalPixels = header.width * header.height;
  return {
    format: 'png',
    ...header,
    orientation,
    frames: 1,
    totalPixels,
    scans: 1,
    compressed,
  };
}

function readIhdr(data: Buffer) {
  const width = data.readUInt32BE(0);
  const height = data.readUInt32BE(4);
  const depth = data.readUInt8(8);
  const colours = COLOUR_TYPES[data.readUInt8(9)];
  const interlaced = data.readUInt8(12);
  if (width === 0 || height === 0 || width > MAX_DIMENSION || height > MAX_DIMENSION) {
    throw undecodable(`invalid PNG size: ${width} × ${height} px`);
  }
  if (!colours?.depths.includes(depth)) throw undecodable('the PNG has an unknown colour type');
  if (interlaced > 1) throw undecodable('the PNG has an unknown interlacing');

  const bitsPerPixel = colours.samples * depth;
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  let inflatedBytes = 0;
  for (const [x, y, stepX, stepY] of passes) {
    const columns = Math.ceil(Math.max(width - x, 0) / stepX);
    const rows = Math.ceil(Math.max(height - y, 0) / stepY);
    if (columns > 0) inflatedBytes += rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  }
  return { width, height, inflatedBytes };
}
