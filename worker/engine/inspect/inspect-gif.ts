import { undecodable, type Frame, type ImageHeader } from './image-header.ts';

/** The first frame of a GIF, not yet decoded. */
export interface GifFrame extends Frame {
  readonly interlaced: boolean;
  /** Red, green and blue of each colour; empty if the GIF has none. */
  readonly palette: Buffer;
  /** The colour that is transparent, if one is. */
  readonly transparent: number | undefined;
  /** The file from the LZW code size on: that byte, then the sub-blocks. */
  readonly data: Buffer;
}

export interface GifImage extends ImageHeader {
  readonly format: 'gif';
  readonly firstFrame: GifFrame;
}

const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const FRAME = 0x2c;

/**
 * Reads the blocks of a GIF up to the end of its first frame; what follows is ignored. The image has the size of its
 * screen, or of its first frame if that is larger, as in browsers.
 * @throws PermanentFailure `undecodable_image`, or a RangeError where the file is truncated
 */
export function inspectGif(file: Buffer): GifImage {
  if (!/^GIF8[79]a/.test(file.toString('latin1', 0, 6))) throw undecodable('it has no GIF signature');
  const globalPalette = colourTable(file, 13, file.readUInt8(10));
  let transparent: number | undefined;
  let pieces = 1;

  let at = 13 + globalPalette.length;
  for (; file[at] === EXTENSION; pieces++) {
    if (file[at + 1] === GRAPHIC_CONTROL && file[at + 2] === 4) {
      transparent = file.readUInt8(at + 3) & 1 ? file.readUInt8(at + 6) : undefined;
    }
    at = afterSubBlocks(file, at + 2);
  }
  if (file[at] !== FRAME || at + 10 >= file.length) throw undecodable('the GIF has no frame');
  const frame = {
    x: file.readUInt16LE(at + 1),
    y: file.readUInt16LE(at + 3),
    width: file.readUInt16LE(at + 5),
    height: file.readUInt16LE(at + 7),
  };
  if (frame.width === 0 || frame.height === 0) {
    throw undecodable(`invalid GIF frame size: ${frame.width} × ${frame.height} px`);
  }
  const flags = file.readUInt8(at + 9);
  const palette = colourTable(file, at + 10, flags);
  const data = at + 10 + palette.length;
  const end = afterSubBlocks(file, data + 1);
  if (end > file.length) throw undecodable('the first frame of the GIF is truncated');
  return {
    format: 'gif',
    width: Math.max(file.readUInt16LE(6), frame.x + frame.width),
    height: Math.max(file.readUInt16LE(8), frame.y + frame.height),
    orientation: 1,
    scans: 1,
    pieces,
    firstFrame: {
      ...frame,
      interlaced: (flags & 0x40) !== 0,
      palette: palette.length > 0 ? palette : globalPalette,
      transparent,
      data: file.subarray(data, end),
    },
  };
}

/** @param flags of a screen or frame descriptor: bit 7 = has a colour table, bits 0–2 = its size */
function colourTable(file: Buffer, at: number, flags: number): Buffer {
  const bytes = flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
  return file.subarray(at, at + bytes);
}

/**
 * Where a chain of length-prefixed sub-blocks ends; beyond the end of the file if a block is truncated. The block that
 * ends the chain may be missing.
 */
function afterSubBlocks(file: Buffer, from: number): number {
  let at = from;
  for (let length = file[at]; length !== undefined; length = file[at]) {
    at += 1 + length;
    if (length === 0) return at;
  }
  return at;
}
