/**
 * TIFF 6.0 "Orientation": 1 upright, 2 mirrored, 3 turned by 180°, 4 flipped, 5–8 with width and height
 * swapped.
 */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;

/**
 * The orientation in an EXIF block, i.e. a TIFF header and its first directory (with or without the
 * "Exif\0\0" that JPEG puts before it). Reads one tag of one directory and follows no pointer but the first,
 * so no loop is possible. An invalid block counts as upright: the image matters more than its EXIF.
 */
export function exifOrientation(exif: Buffer): Orientation {
  const tiff = exif.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;
  const byteOrder = tiff.toString('latin1', 0, 2);
  if ((byteOrder !== 'II' && byteOrder !== 'MM') || tiff.length < 8) return 1;

  const uint16 = (at: number) => (byteOrder === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = byteOrder === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;

  const firstEntry = directory + 2;
  const entries = Math.min(uint16(directory), Math.floor((tiff.length - firstEntry) / ENTRY_BYTES));
  for (let entry = firstEntry; entry < firstEntry + entries * ENTRY_BYTES; entry += ENTRY_BYTES) {
    if (uint16(entry) === ORIENTATION_TAG && uint16(entry + 2) === SHORT) {
      return asOrientation(uint16(entry + 8));
    }
  }
  return 1;
}

function asOrientation(value: number): Orientation {
  switch (value) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return value;
    default:
      return 1;
  }
}
