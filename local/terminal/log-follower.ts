import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { readTail } from '../process/read-tail.ts';

const POLL_MS = 200;
/** Of each log, when we come to it first. */
const FIRST_BYTES = 2_000;
const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const;

export interface LogFollowerOptions {
  readonly folder: string;
  /** Only this service, or the workers with `worker`; all with an empty string. */
  readonly service: string;
  readonly write: (line: string) => void;
}

/** Prints what is appended to the logs of a folder, those that come later included. */
export class LogFollower {
  readonly #options: LogFollowerOptions;
  /** How far each log was read, and the beginning of a line whose end is not there yet. */
  readonly #read = new Map<string, { offset: number; rest: string; decoder: StringDecoder }>();

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  /** The names of those services that are followed and have a log. */
  async services(): Promise<string[]> {
    const { folder, service } = this.#options;
    const files = await readdir(folder).catch(() => []);
    return files
      .filter((file) => file.endsWith('.log'))
      .map((file) => file.slice(0, -'.log'.length))
      .filter((name) => service === '' || name === service || name.startsWith(`${service}-`))
      .sort();
  }

  async follow(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.printNew();
      await delay(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Prints what has come since the last time; at first the last lines. */
  async printNew(): Promise<void> {
    const names = await this.services();
    const width = Math.max(...names.map((name) => name.length));
    for (const [i, name] of names.entries()) {
      const prefix = styleText(COLOURS[i % COLOURS.length] ?? 'cyan', `${name.padEnd(width)} |`);
      for (const line of await this.#newLines(name)) this.#options.write(`${prefix} ${line}`);
    }
  }

  async #newLines(name: string): Promise<string[]> {
    const path = join(this.#options.folder, `${name}.log`);
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const known = this.#read.get(name);
      if (known === undefined) {
        const tail = await readTail(path, { maxBytes: FIRST_BYTES });
        this.#read.set(name, { offset: size, rest: '', decoder: new StringDecoder() });
        return tail === '' ? [] : tail.split('\n');
      }
      // A log that has become shorter was emptied; see rotateLogs.
      const offset = size < known.offset ? 0 : known.offset;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset);
      const lines = (known.rest + known.decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      this.#read.set(name, { ...known, offset: offset + bytesRead, rest: lines.pop() ?? '' });
      return lines;
    } finally {
      await file.close();
    }
  }
}
