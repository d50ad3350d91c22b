import { outputFormats } from '@image-pipeline/shared/contracts/operations.ts';
import { TRACEPARENT } from '@image-pipeline/shared/tracing/traceparent.ts';
import { MAX_CALLBACK_URL_LENGTH } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { z } from 'zod';
import { EXAMPLE_JOB_ID, type Operations } from '../openapi/operation.ts';
import { IDEMPOTENCY_HEADER, REPLAYED_HEADER } from './idempotency.ts';
import { DEFAULT_OPERATIONS } from './parse-operations.ts';
import { type AcceptedJob, acceptedJobSchema, acceptedJobsSchema } from './upload-response.ts';

const uploadHeadersSchema = z.object({
  [IDEMPOTENCY_HEADER]: z.string().min(1).max(255).optional().meta({
    description:
      'Unique key of this upload, e.g. a UUID. If a response is lost or is 503, retry with the same key: the same content gives the same jobs; other content with the same key is refused.',
  }),
  [TRACEPARENT]: z.string().optional().meta({
    description:
      'The trace of the client (W3C Trace Context); a malformed one is ignored. For example `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.',
  }),
});

/**
 * The form of `POST /upload`; upload-options.ts reads it. Optional fields have no `example` and no `default`: Swagger UI
 * would fill them in and send them.
 */
export const uploadForm = (maxFiles: number) =>
  z
    .strictObject({
      file: z
        .array(
          z.string().meta({ override: { contentMediaType: 'application/octet-stream', format: 'binary' } }),
        )
        .min(1)
        .max(maxFiles)
        .meta({ description: 'One or more images: PNG, JPEG, GIF or WebP.' }),
      operations: z
        .string()
        .optional()
        .meta({
          description: `Operations, in the order given: names (\`resize,watermark\`), names with arguments (\`resize:800x600:cover,watermark:Hello,filter:blur:5\`), or a JSON list of objects (see Operation) or short forms. A comma always starts the next operation: use JSON for a text with commas. \`resize\` alone fits inside 800×600, \`watermark\` alone writes a default text, \`filter\` alone is grayscale. Default: \`${DEFAULT_OPERATIONS}\`.`,
        }),
      format: z
        .enum([...outputFormats, 'jpg'])
        .optional()
        .meta({
          description: 'Format of the result. Default: the format of the original (GIF becomes PNG).',
        }),
      quality: z
        .int()
        .min(1)
        .max(100)
        .optional()
        .meta({ description: 'Quality of a JPEG or WebP result. Default: 85.' }),
      callback_url: z
        .string()
        .regex(/^(https?:\/\/[^#]+)?$/)
        .max(MAX_CALLBACK_URL_LENGTH)
        .optional()
        .meta({
          description:
            'Receiver of a webhook when the job completes or fails (Standard Webhooks, signed with WEBHOOK_SECRET; delivery is at-least-once). An absolute http or https URL without user and fragment; private addresses are refused unless WEBHOOK_ALLOWED_HOSTS lists them. For example `http://localhost:9999/hook`.',
        }),
    })
    .meta({ id: 'UploadForm' });

export const acceptedExample: AcceptedJob = {
  job_id: EXAMPLE_JOB_ID,
  status: 'queued',
  status_url: `/status/${EXAMPLE_JOB_ID}`,
  result_url: `/results/${EXAMPLE_JOB_ID}`,
  events_url: `ws://localhost:8001/ws?job_id=${EXAMPLE_JOB_ID}`,
};

/** The OpenAPI entry of `POST /upload`. */
export const uploadOperations = {
  'POST /upload': {
    id: 'uploadImages',
    tag: 'Images',
    summary: 'Upload one or more images',
    description:
      'Returns 202 once the originals are stored and RabbitMQ has confirmed the jobs. One file: the response is its job. Several files: one result per file; 202 if at least one was accepted, else the problem of the first file with the member `jobs`.',
    headers: uploadHeadersSchema,
    form: uploadForm,
    responses: {
      202: {
        description: 'Accepted. An accepted job is never lost.',
        types: { 'application/json': z.union([acceptedJobSchema, acceptedJobsSchema]) },
        example: acceptedExample,
        links: { readStatus: 'job_id' },
        headers: {
          Location: 'Status of the job; only for a single file.',
          RateLimit: 'Remaining requests of the rate limit.',
          [REPLAYED_HEADER]: '`true`: these jobs were accepted by an earlier upload with this key.',
        },
      },
    },
    problems: [
      'no_file',
      'empty_file',
      'unexpected_field',
      'malformed_multipart',
      'file_too_large',
      'body_too_large',
      'too_many_files',
      'too_many_fields',
      'unsupported_type',
      'too_costly',
      'idempotency_key_reused',
      'idempotency_key_in_use',
      'record_damaged',
      'webhooks_not_set_up',
      'rate_limited',
      'broker_unavailable',
      'publish_unconfirmed',
      'store_unavailable',
      'overloaded',
      'queue_full',
      'out_of_space',
    ],
  },
} as const satisfies Operations;
