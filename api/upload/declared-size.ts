import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';

/**
 * The size that an image file declares, for an estimate: workers check it. Undefined if it is not in the beginning.
 * @param beginning of the file, at least some hundred bytes
 */
export function declaredSize(beginning: Uint8Array, type: InputType): Size | undefined {
  try {
    return readers[type](Buffer.from(beginning.buffer, beginning.byteOffset, beginning.byteLength));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const readers: Readonly<Record<InputType, (file: Buffer) => Size | undefined>> = {
  'image/png': pngSize,
  'image/jpeg': jpegSize,
  'image/gif': gifSize,
  'image/webp': webpSize,
};

/** W3C PNG, section 11.2.1: IHDR is the first chunk. */
function pngSize(file: Buffer): Size | undefined {
  if (file.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  return { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
}

/** ITU-T T.81, section B.1.1: SOF0 to SOF15, three of which are other segments, come before the first scan. */
function jpegSize(file: Buffer): Size | undefined {
  for (let at = 2; ;) {
    const marker = file.readUInt16BE(at) & 0xff;
    if (file[at] !== 0xff || marker === 0xda) return undefined;
    if (marker === 0xff) {
      at += 1;
    } else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { width: file.readUInt16BE(at + 7), height: file.readUInt16BE(at + 5) };
    } else {
      at += 2 + file.readUInt16BE(at + 2);
    }
  }
}

/** GIF89a, sections 18 to 26: the screen, or the first frame if it is larger. Extensions may be in between. */
function gifSize(file: Buffer): Size | undefined {
  const flags = file.readUInt8(10);
  let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  while (file.readUInt8(at) === 0x21) {
    for (at += 2; file.readUInt8(at) > 0;) at += 1 + file.readUInt8(at);
    at += 1;
  }
  if (file.readUInt8(at) !== 0x2c) return undefined;
  return {
    width: Math.max(file.readUInt16LE(6), file.readUInt16LE(at + 1) + file.readUInt16LE(at + 5)),
    height: Math.max(file.readUInt16LE(8), file.readUInt16LE(at + 3) + file.readUInt16LE(at + 7)),
  };
}

/** RFC 9649, sections 2.5 to 2.7, and RFC 6386, section 9.1. */
function webpSize(file: Buffer): Size | undefined {
  switch (file.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: file.readUIntLE(24, 3) + 1, height: file.readUIntLE(27, 3) + 1 };
    case 'VP8L': {
      const bits = file.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8 ':
      return { width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff };
    default:
      return undefined;
  }
}
