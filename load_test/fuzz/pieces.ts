import { crc32 } from 'node:zlib';
import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';

/** A range of bytes in an image file: a chunk, segment, block or frame, or what is before the first of them. */
export interface Piece {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

const PNG_SIGNATURE_BYTES = 8;
const PNG_FRAME_BYTES = 12;
const RIFF_HEADER_BYTES = 12;
const GIF_HEADER_BYTES = 13;
/** A damaged file may declare any number of pieces; more than these are left in one. */
const MAX_PIECES = 2_000;

/** Splits an image file where its format does, without gaps. What cannot be split remains one piece at the end. */
export function piecesOf(file: Buffer, type: InputType): Piece[] {
  const pieces: Piece[] = [];
  const nextEnd = endsOf[type];
  for (let from = 0; from < file.length;) {
    const to = pieces.length < MAX_PIECES ? nextEnd(file, from) : file.length;
    const end = to > from && to <= file.length ? to : file.length;
    pieces.push({ from, to: end });
    from = end;
  }
  return pieces;
}

/** Where the piece that starts at a position ends; anything outside the file if that cannot be read. */
type FindEnd = (file: Buffer, from: number) => number;

const endsOf: Readonly<Record<InputType, FindEnd>> = {
  'image/png': (file, from) =>
    from === 0 ? PNG_SIGNATURE_BYTES : from + PNG_FRAME_BYTES + uint32(file, from),
  'image/webp': (file, from) =>
    from === 0 ? RIFF_HEADER_BYTES : from + 8 + evened(file.subarray(from + 4, from + 8)),
  'image/jpeg': endOfSegment,
  'image/gif': (file, from) =>
    from === 0 ? GIF_HEADER_BYTES + paletteBytes(file[10]) : endOfBlock(file, from),
};

function uint32(file: Buffer, at: number): number {
  return at + 4 <= file.length ? file.readUInt32BE(at) : Infinity;
}

/** The length of a RIFF chunk with its padding. */
function evened(length: Buffer): number {
  return length.length === 4 ? length.readUInt32LE() + (length.readUInt32LE() % 2) : Infinity;
}

const START_OF_SCAN = 0xda;
const RESTARTS = { first: 0xd0, last: 0xd7 };

function endOfSegment(file: Buffer, from: number): number {
  if (from === 0) return 2;
  if (from + 4 > file.length) return Infinity;
  const end = from + 2 + file.readUInt16BE(from + 2);
  return file[from + 1] === START_OF_SCAN ? endOfScan(file, end) : end;
}

/** A scan continues until a marker other than a restart; 0xff 0x00 is data. */
function endOfScan(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at !== -1; at = file.indexOf(0xff, at + 1)) {
    const code = file[at + 1] ?? 0;
    const isData = code === 0 || code === 0xff || (code >= RESTARTS.first && code <= RESTARTS.last);
    if (!isData) return at;
  }
  return Infinity;
}

const EXTENSION = 0x21;
const FRAME = 0x2c;

function endOfBlock(file: Buffer, from: number): number {
  if (file[from] === EXTENSION) return endOfSubBlocks(file, from + 2);
  if (file[from] === FRAME) return endOfSubBlocks(file, from + 11 + paletteBytes(file[from + 9]));
  return Infinity;
}

function endOfSubBlocks(file: Buffer, from: number): number {
  let at = from;
  while (at < file.length && file[at] !== 0) at += 1 + (file[at] ?? 0);
  return at + 1;
}

function paletteBytes(flags = 0): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Corrects the checksums of a PNG's chunks, so that a change of their data is not all that is noticed. In place. */
export function correctChecksums(png: Buffer): void {
  for (const { from, to } of piecesOf(png, 'image/png').slice(1)) {
    if (to - from < PNG_FRAME_BYTES || from + PNG_FRAME_BYTES + uint32(png, from) !== to) return;
    png.writeUInt32BE(crc32(png.subarray(from + 4, to - 4)), to - 4);
  }
}
