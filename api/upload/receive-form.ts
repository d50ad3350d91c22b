import type { IncomingMessage } from 'node:http';
import { MIMEType, promisify } from 'node:util';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Request, Response } from 'express';
import multer, { type StorageEngine } from 'multer';
import { bodyTooLarge } from '../http/request-body.ts';
import { displayName } from './display-name.ts';
import { FileContent } from './file-content.ts';
import { FormBody } from './form-body.ts';
import { type FormLimits, formProblem } from './form-limits.ts';
import { PartWatch } from './part-watch.ts';
import { FILE_FIELD } from './upload-options.ts';
import { type UploadSpace, UploadUse } from './upload-space.ts';

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
  readonly #space: UploadSpace;
  readonly #upload: UploadUse;
  readonly #contents: FileContent[] = [];

  /** @param address of the client */
  constructor(space: UploadSpace, address: string) {
    this.#space = space;
    this.#upload = new UploadUse(address);
  }

  add(): FileContent {
    const content = new FileContent(this.#space, this.#upload);
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
  // Quoted, because the parser refuses some characters without quotes.
  const contentType = `multipart/form-data; boundary="${boundaryOf(request)}"`;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes, announced);
  if (request.headers.expect !== undefined) response.writeContinue();
  const body = new FormBody(request, contentType, limits);
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
  const parts = new PartWatch();
  const options = {
    storage: storageIn(received, body),
    streamHandler: parts.feed.bind(parts),
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
  };
  const parse = multer(options).array(FILE_FIELD);
  // The parser uses only headers and bytes of a request, and sets `body` and `files`.
  const standIn = body as unknown as Request;
  await promisify(parse)(standIn, response);
  parts.check();
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

const BOUNDARY = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/;

/** The boundary of the form (RFC 2046, section 5.1.1). */
function boundaryOf({ headers }: IncomingMessage): string {
  const given = headers['content-type'];
  if (headers['transfer-encoding'] === undefined && headers['content-length'] === undefined) {
    throw notAForm('a request without a body');
  }
  const type = parseType(given ?? '');
  if (type?.essence !== 'multipart/form-data') throw notAForm(given);
  const boundary = type.params.get('boundary') ?? '';
  if (BOUNDARY.test(boundary)) return boundary;
  throw new PipelineError(
    'malformed_multipart',
    'Missing or malformed boundary in Content-Type. Send 1 to 70 characters, as in multipart/form-data; boundary=abc.',
  );
}

function parseType(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text);
  } catch {
    return undefined;
  }
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
