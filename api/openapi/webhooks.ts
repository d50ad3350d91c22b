import {
  optionalWebhookHeaders,
  webhookBodySchema,
  webhookHeaders,
} from '@image-pipeline/shared/contracts/webhook.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';

const header = (description: string) => z.string().meta({ description });
const headers = z.object({
  ...Object.fromEntries(Object.entries(webhookHeaders).map(([name, text]) => [name, header(text)])),
  traceparent: header(optionalWebhookHeaders.traceparent).optional(),
});

/** What the system posts to the `callback_url` of an upload. */
export const webhooks: ZodOpenApiPathsObject = {
  jobEnded: {
    post: {
      operationId: 'jobEnded',
      tags: ['Jobs'],
      summary: 'A job has completed or failed',
      description:
        'Signed as [Standard Webhooks](https://www.standardwebhooks.com) say, and told at least once: do once what has the same `webhook-id`. Redirects are not followed.',
      requestParams: { header: headers },
      requestBody: { required: true, content: { 'application/json': { schema: webhookBodySchema } } },
      responses: {
        '2XX': { description: 'Taken.' },
        410: { description: 'Never again: it is not tried once more.' },
        default: { description: 'It is tried again, until the ladder ends.' },
      },
    },
  },
};
