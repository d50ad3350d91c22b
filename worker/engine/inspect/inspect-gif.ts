import { undecodable, type ImageHeader } from './image-header.ts';

const EXTENSION = 0x21;
const FRAME = 0x2c;

/**
 * Reads the blocks of a GIF. The image has the size of its screen, or of its first frame if that is larger, as in
 * browsers. Damage after the first frame is ignored.
 * @throws PermanentFailure `undecodable_image`, or a RangeError where the file is truncated
 */
export function inspectGif(file: Buffer): ImageHeader {
  if (!/^GIF8[79]a/.test(file.toString('latin1', 0, 6))) throw undecodable('it has no GIF signature');
  let width = file.readUInt16LE(6);
  let height = file.readUInt16LE(8);
  let totalPixels = 0;
  let frames = 0;

  for (let at = 13 + colourTableBytes(file.readUInt8(10)); at < file.length;) {
    const block = file[at];
    if (block === EXTENSION) {
      at = afterSubBlocks(file, at + 2);
    } else if (block === FRAME && at + 10 < file.length) {
      const frame = readFrame(file, at + 1);
      if (frames === 0) {
        if (frame.width === 0 || frame.height === 0) {
          throw undecodable(`invalid GIF frame size: ${frame.width} × ${frame.height} px`);
        }
        width = Math.max(width, frame.x + frame.width);
        height = Math.max(height, frame.y + frame.height);
      }
      at = afterSubBlocks(file, frame.data + 1);
      // A truncated first frame is an error; a truncated later one is not counted.
      if (at > file.length && frames === 0) throw undecodable('the first frame of the GIF is truncated');
      frames += 1;
      totalPixels += frames === 1 ? width * height : frame.width * frame.height;
    } else {
      break;
    }
  }
  if (frames === 0) throw undecodable('the GIF has no frame');
  return {
    format: 'gif',
    width,
    height,
    orientation: 1,
    frames,
    totalPixels,
    scans: 1,
  };
}

function readFrame(file: Buffer, at: number) {
  return {
    x: file.readUInt16LE(at),
    y: file.readUInt16LE(at + 2),
    width: file.readUInt16LE(at + 4),
    height: file.readUInt16LE(at + 6),
    data: at + 9 + colourTableBytes(file.readUInt8(at + 8)),
  };
}

/** @param flags of a screen or frame descriptor: bit 7 = has a colour table, bits 0–2 = its size */
function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Where a chain of length-prefixed sub-blocks ends; beyond the end of the file if it is truncated. */
function afterSubBlocks(file: Buffer, from: number): number {
  let at = from;
  for (let length = file[at]; length !== undefined; length = file[at]) {
    at += 1 + length;
    if (length === 0) return at;
  }
  return file.length + 1;
}
