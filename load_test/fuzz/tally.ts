import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FuzzFile } from './make-file.ts';

/** A file that the system did not handle as it should. */
export interface Finding {
  readonly number: number;
  readonly what: string;
  /** Where the file is kept. */
  readonly path: string;
}

/** The results of one part of a run. Keeps the files of findings in a folder, each with a text that describes it. */
export class Tally {
  /** Files by the code of their result. */
  readonly counts = new Map<string, number>();
  readonly findings: Finding[] = [];
  #slowest = { number: 0, ms: 0 };
  readonly #folder: string;
  readonly #make: (number: number) => FuzzFile;
  readonly #seed: number;

  /** @param folder is made with the first finding */
  constructor(folder: string, seed: number, make: (number: number) => FuzzFile) {
    this.#folder = folder;
    this.#seed = seed;
    this.#make = make;
  }

  get files(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The file that took longest, and its time in milliseconds. */
  get slowest(): { readonly number: number; readonly ms: number } {
    return this.#slowest;
  }

  count(code: string, files = 1): void {
    this.counts.set(code, (this.counts.get(code) ?? 0) + files);
  }

  took(number: number, ms: number): void {
    if (ms > this.#slowest.ms) this.#slowest = { number, ms };
  }

  async find(number: number, what: string): Promise<void> {
    const { bytes, source, type, mutations } = this.#make(number);
    const path = join(this.#folder, `${number}.${type.replace('image/', '')}`);
    this.findings.push({ number, what, path });
    await mkdir(this.#folder, { recursive: true });
    await writeFile(path, bytes);
    const lines = [what, `seed ${this.#seed}, number ${number}`, `${source}: ${mutations.join(', ')}`];
    await writeFile(`${path}.txt`, `${lines.join('\n')}\n`);
  }
}
