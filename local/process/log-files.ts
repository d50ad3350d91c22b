import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters, styleText } from 'node:util';
import { printable } from '@image-pipeline/shared/printable.ts';

/** Bytes after which a log is rotated. One older file is kept, so a log takes at most twice as much. */
const LOG_LIMIT = 10 * 1024 * 1024;
const POLL_MS = 200;
/** How many bytes of each log are printed first. */
const FIRST_BYTES = 2_000;
const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const;

/**
 * Empties each log of the folder that is larger than `limit` bytes and keeps its last `limit` bytes as `name.log.1`. The
 * services keep their logs open for appending, so a log is copied and truncated, not moved; as with logrotate's copytruncate, a
 * line that is written in between is lost.
 */
export async function rotateLogs(folder: string, limit = LOG_LIMIT): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!name.endsWith('.log')) continue;
    const { size } = await stat(path);
    if (size <= limit) continue;
    const last = createReadStream(path, { start: size - limit, end: size - 1 });
    await pipeline(last, createWriteStream(`${path}.1`));
    await truncate(path);
  }
}

/** The last bytes of a log as printable lines, from the start of a line; empty if there is no such file. */
export async function readTail(path: string, { maxBytes = 4_096 } = {}): Promise<string> {
  let file;
  try {
    file = await open(path);
  } catch {
    return '';
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    const lines = (start === 0 ? text : text.slice(text.indexOf('\n') + 1)).trimEnd();
    return lines.split('\n').map(logText).join('\n');
  } finally {
    await file.close();
  }
}

/** A line of a log for a terminal: without colours, which RabbitMQ's log has, and without control characters. */
export function logText(line: string): string {
  return printable(stripVTControlCharacters(line));
}

/** The services with a log in the folder. @param service only this one, or with `worker` all workers; empty: all */
export async function servicesWithLog(folder: string, service: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files
    .filter((file) => file.endsWith('.log'))
    .map((file) => file.slice(0, -'.log'.length))
    .filter((name) => service === '' || name === service || name.startsWith(`${service}-`))
    .sort();
}

const TIME = /(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?/;
/** In logs in JSON (LOG_FORMAT=json). */
const UNIX_TIME = /"time":(\d{13})\b/;

/** The lines in the order of their times; one without a time, such as that of a stack trace, follows the line before it. */
export function mergeByTime<Line extends { readonly text: string }>(
  logs: readonly (readonly Line[])[],
): Line[] {
  return logs
    .flatMap((lines) => {
      let at = -Infinity;
      return lines.map((line) => {
        at = timeOf(line.text) ?? at;
        return { line, at };
      });
    })
    .toSorted((one, other) => one.at - other.at)
    .map(({ line }) => line);
}

function timeOf(line: string): number | undefined {
  const unix = UNIX_TIME.exec(line)?.[1];
  if (unix !== undefined) return Number(unix);
  const [, date, time, zone = 'Z'] = TIME.exec(line) ?? [];
  return date === undefined || time === undefined ? undefined : Date.parse(`${date}T${time}${zone}`);
}

/** A line of the log of a service. */
interface LogLine {
  readonly service: string;
  readonly text: string;
}

/** Writes all lines that contain this text, also those of rotated logs, in the order of their times. @returns how many */
export async function searchLogs({ folder, service, write }: LogOptions, text: string): Promise<number> {
  const names = await servicesWithLog(folder, service);
  const found = await Promise.all(
    names.map(async (name) => {
      const lines: LogLine[] = [];
      for (const file of [`${name}.log.1`, `${name}.log`]) {
        const path = join(folder, file);
        if (!existsSync(path)) continue;
        for await (const line of createInterface(createReadStream(path))) {
          if (line.includes(text)) lines.push({ service: name, text: line });
        }
      }
      return lines;
    }),
  );
  const merged = mergeByTime(found);
  writeLines(merged, names, write);
  return merged.length;
}

/** Each line follows the name of its service. */
function writeLines(
  lines: readonly LogLine[],
  services: readonly string[],
  write: LogOptions['write'],
): void {
  const width = Math.max(...services.map((name) => name.length));
  for (const { service, text } of lines) {
    const colour = COLOURS[services.indexOf(service) % COLOURS.length] ?? 'cyan';
    write(`${styleText(colour, `${service.padEnd(width)} |`)} ${logText(text)}`);
  }
}

export interface LogOptions {
  readonly folder: string;
  /** See servicesWithLog. */
  readonly service: string;
  readonly write: (line: string) => void;
}

/** Prints what is appended to the logs of a folder, including logs that are created later. */
export class LogFollower {
  readonly #options: LogOptions;
  /** How far each log was read, and the beginning of a line that is not complete yet. */
  readonly #read = new Map<string, { offset: number; rest: string; decoder: StringDecoder }>();

  constructor(options: LogOptions) {
    this.#options = options;
  }

  async follow(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.printNew();
      await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Prints what was appended since the last call, merged by time; at the first call, the last lines. */
  async printNew(): Promise<void> {
    const names = await servicesWithLog(this.#options.folder, this.#options.service);
    const logs = await Promise.all(
      names.map(async (service) => (await this.#newLines(service)).map((text) => ({ service, text }))),
    );
    writeLines(mergeByTime(logs), names, this.#options.write);
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
      // A log that is shorter than before was rotated.
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
