import { outputSchema, type Operation, type Output } from '@image-pipeline/shared/contracts/operations.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { invalidBySchema, invalidParameter } from '../http/invalid-parameter.ts';
import { allowedFormats, FILE_FIELD, textFields } from './form-fields.ts';
import { parseCallbackUrl, type CallbackRules } from './parse-callback-url.ts';
import { parseOperations } from './parse-operations.ts';

/** What an upload asks for. */
export interface Wishes {
  readonly operations: readonly Operation[];
  readonly output: Output;
  /** Where the end is to be told by a webhook. */
  readonly callbackUrl?: string | undefined;
}

/**
 * Reads the text fields of an upload. An empty field counts as not given, as forms of browsers send them.
 * @param fields by name; what is not a text was given more than once or with brackets in its name
 * @throws PipelineError `unexpected_field`, `no_file` (the file came as a text), `invalid_parameter` or
 * `webhooks_not_set_up`
 */
export function parseWishes(fields: Readonly<Record<string, unknown>>, callbacks: CallbackRules): Wishes {
  for (const name of Object.keys(fields)) refuseUnknownField(name);
  return {
    operations: parseOperations(textOf(fields, 'operations')),
    output: parseOutput(textOf(fields, 'format').toLowerCase(), textOf(fields, 'quality')),
    callbackUrl: parseCallbackUrl(textOf(fields, 'callback_url'), callbacks),
  };
}

function refuseUnknownField(name: string): void {
  if (textFields.includes(name)) return;
  if (name === FILE_FIELD) {
    throw new PipelineError(
      'no_file',
      `The field "${FILE_FIELD}" is a text; send a file, e.g. curl -F "file=@photo.jpg"`,
    );
  }
  throw unexpectedField(name);
}

export function unexpectedField(name: string): PipelineError {
  const allowed = [FILE_FIELD, ...textFields];
  return new PipelineError(
    'unexpected_field',
    `There is no field "${name.slice(0, 100)}"; there are ${allowed.join(', ')}`,
    { details: { field: name.slice(0, 100), allowed } },
  );
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const given = fields[name] ?? '';
  if (typeof given !== 'string') throw invalidParameter(name, 'is given more than once');
  return given.trim();
}

function parseOutput(format: string, quality: string): Output {
  if (format !== '' && !allowedFormats.includes(format)) {
    throw invalidParameter(
      'format',
      `there is no format "${format}"; there are ${allowedFormats.join(', ')}`,
      {
        allowed: allowedFormats,
      },
    );
  }
  if (quality !== '' && !/^\d{1,3}$/.test(quality)) throw invalidQuality(quality);
  const parsed = outputSchema.safeParse({
    ...(format === '' ? {} : { format: format === 'jpg' ? 'jpeg' : format }),
    ...(quality === '' ? {} : { quality: Number(quality) }),
  });
  if (parsed.success) return parsed.data;
  throw quality === '' ? invalidBySchema('output', parsed.error) : invalidQuality(quality);
}

function invalidQuality(quality: string): PipelineError {
  return invalidParameter('quality', `is a whole number from 1 to 100, not "${quality.slice(0, 100)}"`, {
    allowed: { minimum: 1, maximum: 100 },
  });
}
