import { outputFormats } from '@image-pipeline/shared/contracts/operations.ts';
import { TRACEPARENT } from '@image-pipeline/shared/tracing/traceparent.ts';
import { MAX_CALLBACK_URL_LENGTH } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { z } from 'zod';
import { EXAMPLE_JOB_ID, type Operations } from '../openapi/operation.ts';
import { IDEMPOTENCY_HEADER, REPLAYED_HEADER } from './idempotency.ts';
import { DEFAULT_OPERATIONS } from './operation-kinds.ts';
import { type AcceptedJob, acceptedJobSchema, acceptedJobsSchema } from './upload-response.ts';

const uploadHeadersSchema = z.object({
  [IDEMPOTENCY_HEADER]: z.string().min(1).max(255).optional().meta({
    description:
      'A name of yours for this upload, e.g. a UUID. An upload that is repeated with the same key and content, because its answer was lost or was 503, gives the same jobs; other content under the same key is refused. For example `0f6c2f0a-3a7e-4c39-9c7c-6a8e0f1f2b3c`.',
  }),
  [TRACEPARENT]: z.string().optional().meta({
    description:
      'The trace that the upload is a part of (W3C Trace Context); a malformed one is ignored. For example `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.',
  }),
});

/**
 * The form of `POST /upload`, as documented; the names are in form-fields.ts and upload-options.ts reads them. Optional fields have no `example` and
 * no `default`: Swagger UI would fill them in and send them.
 */
export const uploadFormSchema = z
  .object({
    file: z
      .array(
        z.string().meta({ override: { contentMediaType: 'application/octet-stream', format: 'binary' } }),
      )
      .min(1)
      .meta({ description: 'One image or several: PNG, JPEG, GIF or WebP.' }),
    operations: z
      .string()
      .optional()
      .meta({
        description: `What to do, in the order given: names (\`resize,watermark\`), names with their main parameters (\`resize:800x600:cover,watermark:Hello,filter:blur:5\`), or a JSON list whose items are objects (see Operation) or short spellings. A comma always begins the next operation: write a text that has one in the JSON spelling. Bare \`resize\` fits inside 800×600, bare \`watermark\` writes a default text, bare \`filter\` is grayscale. Default: \`${DEFAULT_OPERATIONS}\`.`,
      }),
    format: z
      .enum([...outputFormats, 'jpg'])
      .optional()
      .meta({ description: 'The type of the result. Default: that of the original (GIF becomes PNG).' }),
    quality: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'Of a JPEG or WebP result. Default: 85.' }),
    callback_url: z.string().max(MAX_CALLBACK_URL_LENGTH).optional().meta({
      description:
        'Where to tell by a webhook (Standard Webhooks, signed with WEBHOOK_SECRET) that the job has completed or failed, at least once. An absolute http or https address without user and fragment; addresses that are not public are refused unless WEBHOOK_ALLOWED_HOSTS has them. Only `/status` shows it. For example `http://localhost:9999/hook`.',
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
    summary: 'Hand in one or several images',
    description:
      'Answers 202 once the originals are stored and RabbitMQ has confirmed the jobs. The answer to one file is that job; to several, one verdict a file: 202 if at least one was accepted, else the problem of the first with the member `jobs`.',
    headers: uploadHeadersSchema,
    form: uploadFormSchema,
    responses: {
      202: {
        description: 'Accepted: nothing of it will be lost.',
        types: { 'application/json': z.union([acceptedJobSchema, acceptedJobsSchema]) },
        example: acceptedExample,
        headers: {
          Location: 'Where the status of the job is; of one file only.',
          RateLimit: 'What is left of the rate limit.',
          [REPLAYED_HEADER]: '`true`: an earlier upload with this key was accepted; these are its jobs.',
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
      'invalid_parameter',
      'idempotency_key_reused',
      'idempotency_key_in_hand',
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
