import { isUtf8 } from 'node:buffer';
import type { Writable } from 'node:stream';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { invalidParameter } from '@image-pipeline/shared/validation.ts';
import type { FormBody } from './form-body.ts';
import { textFields } from './upload-options.ts';

/** Display name of a file that comes without one; the parser would drop the file. */
const NAMELESS = 'image';
/** Enough of a part for its headers, and for the value of a field, whose size is limited by the parser. */
const START_CHARS = 20_000;
/** How much of it an error quotes. */
const QUOTED_CHARS = 150;
/** Encodings that leave the bytes as they are; the parser decodes no others. */
const plainEncodings: readonly string[] = ['7bit', '8bit', 'binary'];

/** Called by the parser's search with the bytes between boundaries; `isMatch`: a boundary follows them. */
type OnBytes = (
  isMatch: boolean,
  bytes: Buffer | undefined,
  start: number,
  end: number,
  isSafe: boolean,
) => void;

/** What the parser (busboy) reports about a part. */
interface PartInfo {
  filename?: string | undefined;
  readonly encoding: string;
}

/**
 * Finds the parts of a form that the parser drops silently, e.g. because of a file name in an unusual spelling, and data
 * outside of parts. It listens to the parser's own search for boundaries, so the bytes are not searched again.
 */
export class PartWatch {
  /** Number of the current part; 0 before the first boundary. */
  #part = 0;
  /** The beginning of the current part, or of what is outside of parts. */
  #start = '';
  #isUnderstood = false;
  #isClosed = false;
  /** The parser does not search everything after the closing boundary. */
  #isChunkNoted = false;
  #failure: PipelineError | undefined;

  /** Feeds the body to the parser, which fails at the first part that it does not understand. */
  feed(body: FormBody, parser: Writable): void {
    const search = searchOf(parser);
    const parse = search._cb;
    search._cb = (isMatch, bytes, start, end, isSafe) => {
      if (this.#failure !== undefined) return;
      const wasClosed = this.#isClosed;
      if (!this.#isChunkNoted) this.#note(bytes, start, end);
      // The parser would begin a part after the closing boundary, and wait for its end.
      if (!wasClosed) parse(isMatch, bytes, start, end, isSafe);
      if (isMatch) this.#endPart();
      this.#endFailed(parser);
    };
    // Before the form parser's own listener, which drops files without a name.
    parser.prependListener('file', (_name: unknown, _stream: unknown, info: PartInfo) => {
      info.filename ||= NAMELESS;
      this.#understood(info);
    });
    parser.on('field', (name: string | undefined, value: string | undefined, info: PartInfo) => {
      if (
        name !== undefined &&
        textFields.includes(name) &&
        (value === undefined || (value.includes('\uFFFD') && !this.#isValueUtf8))
      ) {
        this.#fail(invalidParameter(name, 'unknown charset, or not valid in its charset. Send UTF-8'));
      }
      this.#understood(info);
    });
    body.on('data', (chunk: Buffer) => {
      this.#isChunkNoted = this.#isClosed;
      if (this.#isChunkNoted) this.#note(chunk, 0, chunk.length);
    });
    body.pipe(parser);
  }

  /** @throws PipelineError `malformed_multipart` or `invalid_parameter` if something of the complete form was not understood */
  check(): void {
    if (this.#start !== '--') this.#endPart();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #endFailed(parser: Writable): void {
    if (this.#failure !== undefined) parser.destroy(this.#failure);
  }

  #note(bytes: Buffer | undefined, start: number, end: number): void {
    if (bytes === undefined || this.#isUnderstood || this.#start.length >= START_CHARS) return;
    const middle = this.#isOutside ? end : Math.min(end, start + START_CHARS);
    this.#start += bytes.toString('latin1', start, middle);
    if (this.#start.startsWith('--') && !this.#isOutside) {
      this.#isClosed = true;
      this.#start += bytes.toString('latin1', middle, end);
    }
    // Line breaks are allowed there.
    if (this.#isOutside) this.#start = this.#start.trimEnd();
  }

  /** Otherwise, a U+FFFD in the value stands for a byte that is not valid. */
  get #isValueUtf8(): boolean {
    return isUtf8(Buffer.from(this.#start.slice(this.#start.indexOf('\r\n\r\n') + 4), 'latin1'));
  }

  get #isOutside(): boolean {
    return this.#part === 0 || this.#isClosed;
  }

  #understood({ encoding }: PartInfo): void {
    this.#isUnderstood = true;
    const [headers = ''] = this.#start.split('\r\n\r\n', 1);
    if (!plainEncodings.includes(encoding.trim())) {
      this.#failPart(
        `has the unsupported Content-Transfer-Encoding "${encoding}"; send the bytes as they are`,
      );
    } else if ((headers.match(/^content-disposition:/gim)?.length ?? 0) > 1) {
      this.#failPart('has more than one Content-Disposition header');
    }
  }

  #endPart(): void {
    if (this.#isClosed) {
      this.#fail(outside('after the closing boundary', this.#start.slice(2)));
    } else if (this.#part === 0) {
      if (this.#start !== '') this.#fail(outside('before the first boundary', this.#start));
    } else if (!this.#isUnderstood) {
      this.#failPart(
        `was not understood: it needs a well-formed header like Content-Disposition: form-data; name="file"; filename="photo.jpg". It begins with: ${quoted(this.#start)}`,
      );
    }
    this.#part++;
    this.#start = '';
    this.#isUnderstood = false;
  }

  #failPart(problem: string): void {
    this.#fail(new PipelineError('malformed_multipart', `Part ${this.#part} of the form ${problem}.`));
  }

  #fail(failure: PipelineError): void {
    this.#failure ??= failure;
  }
}

function outside(where: string, data: string): PipelineError {
  return new PipelineError('malformed_multipart', `The form has data ${where}: ${quoted(data)}.`);
}

function quoted(start: string): string {
  const visible = start.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return JSON.stringify(visible.slice(0, QUOTED_CHARS));
}

/** The search is private to the parser, whose version is pinned; a parser without it fails every upload. */
function searchOf(parser: Writable): { _cb: OnBytes } {
  const search: unknown = Reflect.get(parser, '_bparser');
  if (hasCallback(search)) return search;
  throw new TypeError('the form parser has no search for boundaries');
}

function hasCallback(search: unknown): search is { _cb: OnBytes } {
  return typeof search === 'object' && search !== null && '_cb' in search && typeof search._cb === 'function';
}
