import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import { drawFrom, type Draw } from '../draw.ts';
import type { SourceImage } from './corpus.ts';
import { mutations } from './mutations.ts';
import { correctChecksums } from './pieces.ts';

/** A mutated image. Seed and number determine it, as long as the test images are the same. */
export interface FuzzFile {
  readonly number: number;
  readonly bytes: Buffer;
  /** The file it was made from. */
  readonly source: string;
  /** The type of that file. */
  readonly type: InputType;
  /** In order. */
  readonly mutations: readonly string[];
  /** Draws what else varies, e.g. the operations. */
  readonly draw: Draw;
}

const MAX_MUTATIONS = 4;

export function makeFile(corpus: readonly SourceImage[], seed: number, number: number): FuzzFile {
  const draw = drawFrom(mixed(seed, number));
  const source = corpus[draw(0, corpus.length - 1)];
  if (source === undefined) throw new Error('there are no images to mutate');
  const names = Object.keys(mutations);
  const applied: string[] = [];
  let bytes = source.bytes;
  for (let left = draw(1, MAX_MUTATIONS); left > 0; left--) {
    const name = names[draw(0, names.length - 1)] ?? '';
    bytes = mutations[name]?.(bytes, { draw, source, corpus }) ?? bytes;
    applied.push(name);
  }
  if (source.type === 'image/png' && draw(0, 3) > 0) {
    bytes = Buffer.from(bytes);
    correctChecksums(bytes);
    applied.push('correct checksums');
  }
  return { number, bytes, source: source.name, type: source.type, mutations: applied, draw };
}

/** Different numbers of one seed, and one number of different seeds, draw differently. */
function mixed(seed: number, number: number): number {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) | 0;
}
