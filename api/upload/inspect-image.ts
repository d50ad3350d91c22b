import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type InputType, inputTypes } from '@image-pipeline/shared/contracts/operations.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { fileTypeFromFile } from 'file-type';
import type { ReceivedFile } from './receive-form.ts';

/** A received file that is an image of a supported type, by its bytes. */
export interface InspectedImage extends ReceivedFile {
  readonly contentType: InputType;
  /** hex */
  readonly sha256: string;
}

/** A file, and its image or what is wrong with it. */
export type InspectedFile = { readonly file: ReceivedFile } & (
  { readonly image: InspectedImage } | { readonly error: unknown }
);

export async function inspectFile(file: ReceivedFile): Promise<InspectedFile> {
  try {
    return { file, image: await inspectImage(file) };
  } catch (error) {
    return { file, error };
  }
}

/** @throws PipelineError `empty_file` or `unsupported_type` */
async function inspectImage(file: ReceivedFile): Promise<InspectedImage> {
  if (file.size === 0) throw new PipelineError('empty_file', `The file "${file.name}" is empty.`);
  return { ...file, contentType: await typeOf(file), sha256: await digestOf(file.path) };
}

/** By its bytes; name and declared type are not trusted. */
async function typeOf({ name, path }: ReceivedFile): Promise<InputType> {
  const seen = (await fileTypeFromFile(path))?.mime ?? 'unknown';
  // An animated PNG is a PNG.
  const type = inputTypes.find((known) => known === (seen === 'image/apng' ? 'image/png' : seen));
  if (type !== undefined) return type;
  throw new PipelineError(
    'unsupported_type',
    `Unsupported file type of "${name}": ${seen}. Supported types: ${inputTypes.join(', ')}.`,
    { details: { allowed: inputTypes, seen } },
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
