import {
  type Operation,
  type Output,
  outputFormats,
  outputSchema,
} from '@image-pipeline/shared/contracts/operations.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { AllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { whyHostIsRefused, whyNoCallbackUrl } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { MAKE_SECRET } from '@image-pipeline/shared/webhooks/webhook-variables.ts';
import {
  describeUnknown,
  invalidBySchema,
  invalidParameter,
  validate,
} from '@image-pipeline/shared/validation.ts';
import { parseOperations } from './parse-operations.ts';

/** The field of an upload for its files. */
export const FILE_FIELD = 'file';

/** The other fields of an upload. */
export const textFields: readonly string[] = ['operations', 'format', 'quality', 'callback_url'];

export const allowedFormats: readonly string[] = [...outputFormats, 'jpg'];

/** The options of an upload. */
export interface UploadOptions {
  readonly operations: readonly Operation[];
  readonly output: Output;
  /** Receiver of the webhook that reports the end of the job. */
  readonly callbackUrl?: string | undefined;
}

/**
 * Reads the text fields of an upload. An empty field counts as missing, because browsers send empty fields.
 * @param fields by name; a value that is not a string was sent more than once or with brackets in its name
 * @throws PipelineError `unexpected_field`, `no_file` (the file came as a text), `invalid_parameter` or
 * `webhooks_not_set_up`
 */
export function parseUploadOptions(
  fields: Readonly<Record<string, unknown>>,
  callbacks: CallbackRules,
): UploadOptions {
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
      `The field "${FILE_FIELD}" must be a file, e.g. curl -F "file=@photo.jpg".`,
    );
  }
  throw unexpectedField(name);
}

export function unexpectedField(name: string): PipelineError {
  const allowed = [FILE_FIELD, ...textFields];
  const field = name.slice(0, 100);
  return new PipelineError('unexpected_field', `${field}: ${describeUnknown(allowed)}`, {
    details: { field, allowed },
  });
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const given = fields[name] ?? '';
  if (typeof given !== 'string') throw invalidParameter(name, 'must be sent only once');
  return given.trim();
}

function parseOutput(format: string, quality: string): Output {
  if (format !== '' && !allowedFormats.includes(format)) {
    throw invalidParameter(
      'format',
      `unknown format "${format}". Allowed formats: ${allowedFormats.join(', ')}`,
      {
        allowed: allowedFormats,
      },
    );
  }
  const { data, problems } = validate(outputSchema, {
    ...(format === '' ? {} : { format: format === 'jpg' ? 'jpeg' : format }),
    ...(quality === '' ? {} : { quality: /^\d{1,3}$/.test(quality) ? Number(quality) : quality }),
  });
  if (problems !== undefined) throw invalidBySchema('', problems);
  return data;
}

const FIELD = 'callback_url';

/** Which webhooks are allowed. */
export interface CallbackRules {
  /** Whether WEBHOOK_SECRET is set. */
  readonly isSetUp: boolean;
  readonly allowed: AllowedReceivers;
}

/**
 * The receiver of a webhook, or undefined where none is requested. A host name is resolved and checked when the webhook is
 * sent, because its addresses may change.
 * @param text empty: no webhook
 * @throws PipelineError `invalid_parameter` or `webhooks_not_set_up`
 */
function parseCallbackUrl(text: string, { isSetUp, allowed }: CallbackRules): string | undefined {
  if (text === '') return undefined;
  const problem = whyNoCallbackUrl(text);
  if (problem !== undefined) {
    throw invalidParameter(FIELD, problem, {
      allowed: 'an absolute http or https address of at most 2048 characters, without user and fragment',
    });
  }
  const url = new URL(text);
  const refused = whyHostIsRefused(url, allowed);
  if (refused !== undefined) {
    throw invalidParameter(
      FIELD,
      `${refused}, so "${url.hostname}" is not allowed. To allow a receiver in your own network, add it to WEBHOOK_ALLOWED_HOSTS`,
      { seen: url.hostname, allowed: 'hosts with public addresses, and those in WEBHOOK_ALLOWED_HOSTS' },
    );
  }
  if (isSetUp) return url.href;
  throw new PipelineError(
    'webhooks_not_set_up',
    `Webhooks need WEBHOOK_SECRET, which is not set. Set it, then restart the services: ${MAKE_SECRET}`,
  );
}
