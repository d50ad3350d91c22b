import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Transform, type TransformCallback, type Writable } from 'node:stream';
import { promisify } from 'node:util';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Request, Response } from 'express';
import multer, { type StorageEngine } from 'multer';
import { bodyTooLarge } from '../http/request-body.ts';
import { displayName } from './display-name.ts';
import { FileContent, type UploadMemory } from './file-content.ts';
import { type FormLimits, formProblem } from './form-limits.ts';
import { FILE_FIELD } from './upload-options.ts';

export interface ReceivedFile {
  /** Display name; not a path. */
  readonly name: string;
  readonly content: FileContent;
}

export interface ReceivedForm {
  readonly files: readonly ReceivedFile[];
  /** By name; a field that came more than once is a list. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The files of one upload while they are received and stored. */
export class ReceivedFiles {
  readonly #memory: UploadMemory;
  readonly #contents: FileContent[] = [];

  constructor(memory: UploadMemory) {
    this.#memory = memory;
  }

  add(): FileContent {
    const content = new FileContent(this.#memory);
    this.#contents.push(content);
    return content;
  }

  /** Releases memory and disk space, also of files that are still being received. */
  async discard(): Promise<void> {
    for (const content of this.#contents) await content.discard();
  }
}

/**
 * Receives a multipart form, its files into `received`, and stops reading at the first limit exceeded.
 * @throws PipelineError with the code of what is wrong; UploadAborted
 */
export async function receiveForm(
  request: Request,
  response: Response,
  received: ReceivedFiles,
  limits: FormLimits,
): Promise<ReceivedForm> {
  const type = request.is('multipart/form-data');
  if (type !== 'multipart/form-data') {
    throw notAForm(type === null ? 'a request without a body' : request.headers['content-type']);
  }
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes, announced);
  if (request.headers.expect !== undefined) response.writeContinue();
  const body = new FormBody(request, limits.bodyBytes);
  try {
    return await parseForm(body, response, received, limits);
  } catch (error) {
    throw formProblem(error, limits, Math.max(announced, body.seen));
  }
}

async function parseForm(
  body: FormBody,
  response: Response,
  received: ReceivedFiles,
  limits: FormLimits,
): Promise<ReceivedForm> {
  const parse = multer({
    storage: storageIn(received, body),
    defParamCharset: 'utf8',
    limits: {
      fileSize: limits.fileBytes,
      files: limits.files,
      fields: limits.fields,
      parts: limits.parts,
      fieldSize: limits.fieldBytes,
      fieldNameSize: limits.nameBytes,
      fieldNestingDepth: 0,
    },
  }).array(FILE_FIELD);
  // The parser uses only headers and bytes of a request, and sets `body` and `files`.
  const standIn = body as unknown as Request;
  await promisify(parse)(standIn, response);
  const files = (standIn.files ?? []) as (Express.Multer.File & { content: FileContent })[];
  return {
    files: files.map(({ originalname, content }) => ({ name: displayName(originalname), content })),
    fields: standIn.body as Record<string, unknown>,
  };
}

function storageIn(received: ReceivedFiles, body: FormBody): StorageEngine {
  return {
    _handleFile: (_request, file, callback) => {
      // The parser would wait for the end of a file that is too large.
      file.stream.once('limit', () => body.destroy());
      const content = received.add();
      content.receive(file.stream).then(() => callback(null, Object.assign(file, { content })), callback);
    },
    // `discard` does it.
    _removeFile: (_request, _file, callback) => callback(null),
  };
}

function notAForm(contentType: string | undefined): PipelineError {
  const seen = contentType ?? 'a body without a type';
  return new PipelineError(
    'malformed_multipart',
    `Unsupported content type: ${seen.slice(0, 100)}. Send multipart/form-data.`,
    {
      details: { allowed: ['multipart/form-data'], seen: seen.slice(0, 100) },
    },
  );
}

/** The client closed the connection before its request was complete. */
export class UploadAborted extends Error {
  override readonly name = 'UploadAborted';
}

/**
 * The body of an upload between request and form parser, which takes it for the request. A parser that fails would read
 * the request to its end; this stream can be ended at once and the rest of the request left unread.
 */
class FormBody extends Transform {
  readonly headers: IncomingHttpHeaders;
  readonly #maxBytes: number;
  #seen = 0;

  /** @param maxBytes a longer body fails with `body_too_large`, whatever its headers say */
  constructor(request: IncomingMessage, maxBytes: number) {
    super();
    this.headers = request.headers;
    this.#maxBytes = maxBytes;
    request.once('close', () => {
      if (!request.complete) this.destroy(new UploadAborted('the client closed the connection'));
    });
    request.once('error', (error) => this.destroy(error));
    request.pipe(this);
  }

  /** Bytes received so far. */
  get seen(): number {
    return this.#seen;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#seen += chunk.length;
    if (this.#seen <= this.#maxBytes) callback(null, chunk);
    else callback(bodyTooLarge(this.#maxBytes, this.#seen));
  }

  /** The parser unpipes the body when it is complete or has failed: either way nobody reads on. */
  override unpipe(destination?: Writable): this {
    super.unpipe(destination);
    this.destroy();
    return this;
  }
}
