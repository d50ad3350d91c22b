import type { Draw } from '../draw.ts';
import type { SourceImage } from './corpus.ts';
import { piecesOf, type Piece } from './pieces.ts';

/** A change of an image file that makes it invalid, odd or expensive. It may return the same bytes. */
export type Mutation = (file: Buffer, context: MutationContext) => Buffer;

export interface MutationContext {
  readonly draw: Draw;
  /** The file that was drawn. */
  readonly source: SourceImage;
  /** All files: some mutations join two of them. */
  readonly corpus: readonly SourceImage[];
}

/** Mutated files stay below this size, in bytes. */
export const MAX_BYTES = 2 * 1024 * 1024;
const HEADER_BYTES = 64;
/** Numbers around the limits of their types. */
const ODD_NUMBERS = [
  0,
  1,
  2,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xffff,
  0x10000,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

export const mutations: Readonly<Record<string, Mutation>> = {
  'flip bits': (file, { draw }) => {
    const changed = Buffer.from(file);
    for (let left = draw(1, 8); left > 0 && changed.length > 0; left--) {
      const at = draw(0, changed.length - 1);
      changed[at] = (changed[at] ?? 0) ^ (1 << draw(0, 7));
    }
    return changed;
  },
  truncate: (file, { draw }) => file.subarray(0, draw(0, file.length)),
  'remove bytes': (file, { draw }) => {
    const { from, to } = drawRange(file, draw, 4_096);
    return joined(file, from, [], to);
  },
  'repeat bytes': (file, { draw }) => {
    const { from, to } = drawRange(file, draw, 4_096);
    return joined(file, to, [file.subarray(from, to)], to);
  },
  'overwrite bytes': (file, { draw }) => {
    const { from, to } = drawRange(file, draw, 256);
    const isRandom = draw(0, 1) === 1;
    const byte = draw(0, 255);
    return joined(
      file,
      from,
      [Buffer.from(Array.from({ length: to - from }, () => (isRandom ? draw(0, 255) : byte)))],
      to,
    );
  },
  'append bytes': (file, { draw }) => joined(file, file.length, [randomBytes(draw, 512)], file.length),
  'write an odd number': (file, { draw }) => withOddNumber(file, draw, 0, file.length),
  'edit the header': (file, { draw }) => withOddNumber(file, draw, 0, Math.min(HEADER_BYTES, file.length)),
  'repeat a piece': (file, { draw, source }) => {
    const { from, to } = drawPiece(file, draw, source);
    const times = draw(0, 3) === 0 ? draw(10, 2_000) : draw(1, 3);
    const copies = Math.min(times, Math.floor((MAX_BYTES - file.length) / Math.max(1, to - from)));
    return joined(
      file,
      to,
      Array.from({ length: Math.max(0, copies) }, () => file.subarray(from, to)),
      to,
    );
  },
  'remove a piece': (file, { draw, source }) => {
    const { from, to } = drawPiece(file, draw, source);
    return joined(file, from, [], to);
  },
  'empty a piece': (file, { draw, source }) => {
    const { from, to } = drawPiece(file, draw, source);
    return joined(file, from, [Buffer.alloc(to - from)], to);
  },
  'move a piece': (file, { draw, source }) => {
    const { from, to } = drawPiece(file, draw, source);
    const others = joined(file, from, [], to);
    const target = drawPiece(others, draw, source).from;
    return joined(others, target, [file.subarray(from, to)], target);
  },
  'change a length': (file, { draw, source: { type, ...source } }) => {
    const { from } = drawPiece(file, draw, { ...source, type });
    const at = from + (type === 'image/webp' ? 4 : type === 'image/jpeg' ? 2 : 0);
    return withOddNumber(file, draw, at, at + 1);
  },
  'continue as another file': (file, { draw, source, corpus }) => {
    const other = corpus[draw(0, corpus.length - 1)] ?? source;
    const [cut, resume] = [drawPiece(file, draw, source).to, drawPiece(other.bytes, draw, other).from];
    return joined(file, cut, [other.bytes.subarray(resume)], file.length);
  },
  'insert a piece of another file': (file, { draw, source, corpus }) => {
    const other = corpus[draw(0, corpus.length - 1)] ?? source;
    const { from, to } = drawPiece(other.bytes, draw, other);
    const at = drawPiece(file, draw, source).to;
    return joined(file, at, [other.bytes.subarray(from, to)], at);
  },
};

/** The bytes before `cut`, the inserted ones, and those from `resume`. */
function joined(file: Buffer, cut: number, inserted: readonly Buffer[], resume: number): Buffer {
  return Buffer.concat([file.subarray(0, cut), ...inserted, file.subarray(resume)]).subarray(0, MAX_BYTES);
}

function drawRange(file: Buffer, draw: Draw, maxBytes: number): Piece {
  const from = draw(0, file.length);
  return { from, to: Math.min(file.length, from + draw(1, maxBytes)) };
}

function drawPiece(file: Buffer, draw: Draw, { type }: SourceImage): Piece {
  const pieces = piecesOf(file, type);
  return pieces[draw(0, Math.max(0, pieces.length - 1))] ?? { from: 0, to: 0 };
}

function randomBytes(draw: Draw, max: number): Buffer {
  return Buffer.from(Array.from({ length: draw(1, max) }, () => draw(0, 255)));
}

/** A number of one to four bytes that starts in a range. */
function withOddNumber(file: Buffer, draw: Draw, from: number, to: number): Buffer {
  if (to <= from || from >= file.length) return file;
  const changed = Buffer.from(file);
  const at = draw(from, Math.min(to, file.length) - 1);
  const size = Math.min([1, 2, 3, 4][draw(0, 3)] ?? 1, changed.length - at);
  const number = (ODD_NUMBERS[draw(0, ODD_NUMBERS.length - 1)] ?? 0) % 2 ** (8 * size);
  if (draw(0, 1) === 0) changed.writeUIntBE(number, at, size);
  else changed.writeUIntLE(number, at, size);
  return changed;
}
