import {
  optionalWebhookHeaders,
  webhookBodySchema,
  webhookHeaders,
} from '@image-pipeline/shared/contracts/webhook.ts';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { deadLetterOperations } from '../dead-letters/dead-letters-openapi.ts';
import { developmentOperations } from '../development/worker-routes.ts';
import { docsOperations } from '../docs/docs-routes.ts';
import { healthOperations } from '../http/health.ts';
import { pageOperations } from '../page/page-routes.ts';
import { imageOperations, jobOperations } from '../jobs/jobs-openapi.ts';
import { statusOperations } from '../pipeline-status/pipeline-status-openapi.ts';
import { thumbnailOperations, upstreamOperations } from '../thumbnails/thumbnails-openapi.ts';
import { uploadOperations } from '../upload/upload-openapi.ts';
import type { Operation, Operations } from './operation.ts';
import { problemResponses, problemSchema, successResponse } from './responses.ts';

/** Every operation of the API. The server's table of routes has the same keys. */
export const operations = {
  ...uploadOperations,
  ...imageOperations,
  ...thumbnailOperations,
  ...jobOperations,
  ...deadLetterOperations,
  ...upstreamOperations,
  ...statusOperations,
  ...healthOperations,
  ...docsOperations,
  ...pageOperations,
  ...developmentOperations,
} as const satisfies Operations;

export type Route = keyof typeof operations;

/** What differs between installations. */
export interface DocumentOptions {
  /** Empty: the address that the document was loaded from. */
  readonly apiUrl: string;
  /** Production has no operations for development. */
  readonly isProduction: boolean;
  /** Per upload. */
  readonly maxFiles: number;
}

export function existsIn(route: string, isProduction: boolean): boolean {
  return !(isProduction && Object.hasOwn(developmentOperations, route));
}

/** The OpenAPI document, generated from the schemas and the tables of operations and error codes. */
export function createOpenapiDocument(options: DocumentOptions) {
  const { apiUrl, isProduction } = options;
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Image pipeline',
      version: '0.1.0',
      description: introduction,
      contact: { name: 'Image pipeline' },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: apiUrl === '' ? '/' : apiUrl }],
    tags: [
      { name: 'Images', description: 'Upload and download.' },
      { name: 'Jobs', description: 'Status of jobs.' },
      { name: 'Dead letters', description: 'Failed jobs: list, replay, remove.' },
      { name: 'Status', description: 'The whole pipeline.' },
      { name: 'Service', description: 'The API itself: health, metrics, documentation.' },
      ...(isProduction
        ? []
        : [{ name: 'Development', description: 'Break something on purpose; absent in production.' }]),
    ],
    paths: paths(options),
    webhooks,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: '`API_TOKEN` in `.env`; some operations need it in production only',
        },
      },
    },
  });
}

const introduction = `Upload images with \`POST /upload\`. Each image becomes a job in a queue, which a worker processes.
Get its status with \`GET /status/{job_id}\` (\`?wait=20\` waits for its end) and its result with \`GET /results/{job_id}\`.

Errors are problem details (RFC 9457) with a stable \`code\`; the schema \`Problem\` lists all codes.`;

function paths(options: DocumentOptions): ZodOpenApiPathsObject {
  const all: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [route, operation] of Object.entries<Operation>(operations)) {
    if (!existsIn(route, options.isProduction)) continue;
    const [method = '', path = ''] = route.split(' ');
    all[path] = { ...all[path], [method.toLowerCase()]: operationObject(operation, options) };
  }
  return all;
}

function operationObject(operation: Operation, options: DocumentOptions): ZodOpenApiOperationObject {
  const { id, tag, summary, description, path, headers, responses, problems, token } = operation;
  const { query, hasOneQuery = false } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    requestParams: {
      ...(path === undefined ? {} : { path }),
      ...(query === undefined ? {} : { query: hasOneQuery ? z.object({ selection: query }) : query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...requestBody(operation, options),
    security: token === undefined ? [] : [...(token === 'always' ? [] : [{}]), { token: [] }],
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, response]) => [status, successResponse(response)]),
      ),
      ...problemResponses(problems),
    },
  };
}

function requestBody(
  { form, json }: Operation,
  { maxFiles }: DocumentOptions,
): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (form !== undefined) {
    const content = { 'multipart/form-data': { schema: form(maxFiles) } };
    return { requestBody: { required: true, content } };
  }
  if (json === undefined) return {};
  const examples = Object.fromEntries(
    Object.entries(json.examples).map(([name, value]) => [name, { value }]),
  );
  return {
    requestBody: { required: true, content: { 'application/json': { schema: json.schema, examples } } },
  };
}

const header = (description: string) => z.string().meta({ description });
const headers = z.object({
  ...Object.fromEntries(Object.entries(webhookHeaders).map(([name, text]) => [name, header(text)])),
  traceparent: header(optionalWebhookHeaders.traceparent).optional(),
});

/** The webhook that the system posts to the `callback_url` of an upload. */
const webhooks: ZodOpenApiPathsObject = {
  jobEnded: {
    post: {
      operationId: 'jobEnded',
      tags: ['Jobs'],
      summary: 'A job has completed or failed',
      description:
        'Signed as in [Standard Webhooks](https://www.standardwebhooks.com). Delivery is at-least-once: use `webhook-id` to ignore duplicates. Redirects are not followed.',
      security: [],
      requestParams: { header: headers },
      requestBody: { required: true, content: { 'application/json': { schema: webhookBodySchema } } },
      responses: {
        '2XX': { description: 'Delivered.' },
        410: { description: 'Gone: not retried.' },
        default: { description: 'Retried, until the last retry delay.' },
      },
    },
  },
};
