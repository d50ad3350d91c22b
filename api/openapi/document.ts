import { operationSchema } from '@image-pipeline/shared/contracts/operations.ts';
import {
  optionalWebhookHeaders,
  webhookBodySchema,
  webhookHeaders,
} from '@image-pipeline/shared/contracts/webhook.ts';
import { errorCodes } from '@image-pipeline/shared/errors.ts';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { deadLetterOperations } from '../dead-letters/dead-letters-openapi.ts';
import { docsOperations } from '../docs/docs-routes.ts';
import { healthOperations } from '../http/health.ts';
import { problemTable } from '../http/problem.ts';
import { imageOperations, jobOperations } from '../jobs/jobs-openapi.ts';
import { statusOperations } from '../pipeline-status/pipeline-status-openapi.ts';
import { thumbnailOperations, upstreamOperations } from '../thumbnails/thumbnails-openapi.ts';
import { uploadOperations } from '../upload/upload-openapi.ts';
import type { Operation, Operations } from './operation.ts';
import { successResponse, problemSchema, problemResponses } from './responses.ts';

/** Every call of the API. The routes of the server are typed by the keys of this table. */
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
} as const satisfies Operations;

export type Route = keyof typeof operations;

/** The OpenAPI document of the API, made from the contracts and from the tables of calls and error codes. */
export function createOpenapiDocument(apiUrl: string) {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Image pipeline',
      version: '0.1.0',
      description: introduction,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: apiUrl === '' ? '/' : apiUrl }],
    tags: [
      { name: 'Images', description: 'In and out.' },
      { name: 'Jobs', description: 'What happens in between.' },
      { name: 'Dead letters', description: 'What failed for good, and why.' },
      { name: 'Status', description: 'The pipeline as a whole.' },
      { name: 'Service', description: 'The API itself.' },
    ],
    paths: paths(),
    webhooks,
    components: {
      schemas: { Problem: problemSchema, Operation: operationSchema, JobErrorCode: jobErrorCodeSchema },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: '`API_TOKEN` of `.env`; some calls need it in production only',
        },
      },
    },
  });
}

const introduction = `Images go in by \`POST /upload\`; each becomes a job that a worker takes from a queue.
Follow it with \`GET /status/{job_id}\` (\`?wait=20\` waits for its end) and fetch the result from \`GET /results/{job_id}\`.

Errors are problem details (RFC 9457) with a stable \`code\`; the schema \`Problem\` lists them all.`;

/** Codes that stand in the member \`error\` of a job that failed. */
const jobErrorCodeSchema = z
  .enum(Object.keys(errorCodes).filter((code) => !Object.hasOwn(problemTable, code)))
  .meta({ description: 'What a job can fail of.' });

function paths(): ZodOpenApiPathsObject {
  const all: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [route, operation] of Object.entries<Operation>(operations)) {
    const [method = '', path = ''] = route.split(' ');
    all[path] = { ...all[path], [method.toLowerCase()]: operationObject(operation) };
  }
  return all;
}

function operationObject(operation: Operation): ZodOpenApiOperationObject {
  const { id, tag, summary, description, path, query, headers, responses, problems, token } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    requestParams: {
      ...(path === undefined ? {} : { path }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...requestBody(operation),
    ...(token === undefined ? {} : { security: [...(token === 'always' ? [] : [{}]), { token: [] }] }),
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, response]) => [status, successResponse(response)]),
      ),
      ...problemResponses(problems),
    },
  };
}

function requestBody({ form, json }: Operation): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (form !== undefined) {
    return { requestBody: { required: true, content: { 'multipart/form-data': { schema: form } } } };
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

/** What the system posts to the `callback_url` of an upload. */
const webhooks: ZodOpenApiPathsObject = {
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
