export interface ExifTag {
  readonly tag: number;
  readonly value: number;
  /** 3 = SHORT, 4 = LONG. */
  readonly type?: 3 | 4;
}

export const ORIENTATION = 0x0112;
export const GPS_DIRECTORY = 0x8825;

/** A TIFF header and one directory; `next` is where it says that another directory follows (0 = none). */
export function exifBlock(
  tags: readonly ExifTag[],
  { bigEndian = false, next = 0, entries = tags.length } = {},
): Buffer {
  const block = Buffer.alloc(8 + 2 + tags.length * 12 + 4);
  const uint16 = (value: number, at: number) =>
    bigEndian ? block.writeUInt16BE(value, at) : block.writeUInt16LE(value, at);
  const uint32 = (value: number, at: number) =>
    bigEndian ? block.writeUInt32BE(value, at) : block.writeUInt32LE(value, at);

  block.write(bigEndian ? 'MM' : 'II', 'latin1');
  uint16(42, 2);
  uint32(8, 4);
  uint16(entries, 8);
  tags.forEach(({ tag, value, type = 3 }, index) => {
    const at = 10 + index * 12;
    uint16(tag, at);
    uint16(type, at + 2);
    uint32(1, at + 4);
    if (type === 3) uint16(value, at + 8);
    else uint32(value, at + 8);
  });
  uint32(next, block.length - 4);
  return block;
}
