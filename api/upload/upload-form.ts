import { TRACEPARENT } from '@image-pipeline/shared/tracing/traceparent.ts';
import { outputFormats } from '@image-pipeline/shared/contracts/operations.ts';
import { MAX_CALLBACK_URL_LENGTH } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { z } from 'zod';
import { IDEMPOTENCY_HEADER } from './idempotency-key.ts';
import { DEFAULT_OPERATIONS } from './operation-kinds.ts';

export const uploadHeadersSchema = z.object({
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
