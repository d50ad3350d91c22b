import { describe, expect, it } from 'vitest';
import { drawFrom } from '../draw.ts';
import { readCorpus, typeOf } from './corpus.ts';
import { makeFile } from './make-file.ts';
import { MAX_BYTES, mutations } from './mutations.ts';
import { correctChecksums, piecesOf } from './pieces.ts';

const corpus = await readCorpus();

it('the images to mutate are of every supported type', () => {
  expect(new Set(corpus.map(({ type }) => type)).size).toBe(4);
  for (const { name, bytes, type } of corpus) expect(typeOf(bytes), name).toBe(type);
});

describe('a mutated file', () => {
  it('is determined by seed and number', () => {
    for (const number of [0, 1, 500]) {
      const [one, other] = [makeFile(corpus, 42, number), makeFile(corpus, 42, number)];
      expect(one.bytes.equals(other.bytes)).toBe(true);
      expect(one).toMatchObject({ number, source: other.source, mutations: other.mutations });
    }
  });

  it('differs between numbers, and between seeds', () => {
    const files = [1, 2].flatMap((seed) =>
      Array.from({ length: 50 }, (_, number) => makeFile(corpus, seed, number).bytes.toString('base64')),
    );
    expect(new Set(files).size).toBeGreaterThan(90);
  });

  it('has passed every mutation after some hundred files, and stays small', () => {
    const files = Array.from({ length: 500 }, (_, number) => makeFile(corpus, 7, number));
    const applied = new Set(files.flatMap((file) => file.mutations));
    expect([...applied].sort()).toEqual([...Object.keys(mutations), 'correct checksums'].sort());
    expect(Math.max(...files.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(MAX_BYTES);
  });
});

describe('the pieces of a file', () => {
  it.each(corpus)('$name: follow each other without gaps', ({ bytes, type }) => {
    const pieces = piecesOf(bytes, type);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces[0]?.from).toBe(0);
    expect(pieces.at(-1)?.to).toBe(bytes.length);
    for (const [index, piece] of pieces.slice(1).entries()) expect(piece.from).toBe(pieces[index]?.to);
  });

  it.each([
    ['made-two-colours.png', ['PNG', 'IHDR', 'PLTE', 'IDAT', 'IEND']],
    ['made-animation.webp', ['RIFF', 'VP8X', 'ANIM', 'ANMF', 'ANMF', 'ANMF']],
  ])('%s: are its chunks', (name, chunks) => {
    const image = corpus.find((source) => source.name === name);
    const { bytes, type } = image ?? { bytes: Buffer.alloc(0), type: 'image/png' };
    const at = type === 'image/png' ? 4 : 0;
    const names = piecesOf(bytes, type).map(({ from }) => bytes.toString('latin1', from + at, from + at + 4));
    const kept = names.filter((found) => chunks.includes(found));
    expect(kept).toEqual(chunks.filter((chunk) => chunk !== 'PNG'));
  });

  it('have correct checksums again after a change', () => {
    const png = Buffer.from(corpus.find(({ name }) => name === 'made-grey.png')?.bytes ?? []);
    const original = Buffer.from(png);
    const data = png.indexOf('IDAT') + 10;
    png[data] = (png[data] ?? 0) ^ 1;
    correctChecksums(png);
    const changed = [...png.keys()].filter((at) => png[at] !== original[at]);
    expect(changed.length).toBeGreaterThan(1);
    expect(changed.length).toBeLessThanOrEqual(5);
    png[data] = (png[data] ?? 0) ^ 1;
    correctChecksums(png);
    expect(png.equals(original)).toBe(true);
  });
});

it('mutations also apply to what others have left of a file', () => {
  const context = {
    draw: drawFrom(1),
    source: corpus[0] ?? { name: '', type: 'image/png', bytes: Buffer.alloc(0) },
    corpus,
  } as const;
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(1), Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')]) {
    for (const mutate of Object.values(mutations)) expect(mutate(bytes, context)).toBeInstanceOf(Buffer);
  }
});
