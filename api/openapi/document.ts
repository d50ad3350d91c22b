import { operationSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { errorCodes } from '@image-pipeline/shared/errors.ts';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { problemAnswerSchema } from './problem-response.ts';
import { problemMeanings } from '../http/problem.ts';
import { answerResponse, problemResponses } from './responses.ts';
import { operations } from './operations.ts';
import type { Operation } from './operation.ts';
import { webhooks } from './webhooks.ts';

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
      schemas: { Problem: problemAnswerSchema, Operation: operationSchema, JobErrorCode: jobErrorCodeSchema },
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
  .enum(Object.keys(errorCodes).filter((code) => !Object.hasOwn(problemMeanings, code)))
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
  const { id, tag, summary, description, path, query, headers, answers, problems, token } = operation;
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
        Object.entries(answers).map(([status, answer]) => [status, answerResponse(answer)]),
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
