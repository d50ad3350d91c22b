import { type InputType, inputTypes } from '@image-pipeline/shared/contracts/operations.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { fileTypeFromBuffer } from 'file-type';
import type { ReceivedFile } from './receive-form.ts';

/** A received file that is an image of a supported type, by its bytes. */
export interface InspectedImage extends ReceivedFile {
  readonly contentType: InputType;
  /** Why it is refused, unless it was accepted before under the same idempotency key. */
  readonly refusal?: PipelineError | undefined;
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
  if (file.content.size === 0) throw new PipelineError('empty_file', `The file "${file.name}" is empty.`);
  return { ...file, contentType: await typeOf(file) };
}

/** By its bytes; name and declared type are not trusted. */
async function typeOf({ name, content }: ReceivedFile): Promise<InputType> {
  const seen = (await fileTypeFromBuffer(await content.beginning()))?.mime ?? 'unknown';
  // An animated PNG is a PNG.
  const type = inputTypes.find((known) => known === (seen === 'image/apng' ? 'image/png' : seen));
  if (type !== undefined) return type;
  throw new PipelineError(
    'unsupported_type',
    `Unsupported file type of "${name}": ${seen}. Supported types: ${inputTypes.join(', ')}.`,
    { details: { allowed: inputTypes, seen } },
  );
}
