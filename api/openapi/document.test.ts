import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  replayBegunExample,
  replayBodyExamples,
  replayPreviewExample,
  replayStatusExample,
} from '../dead-letters/dead-letters-openapi.ts';
import { parseReplayOrder } from '../dead-letters/replay-request.ts';
import { replayBegunSchema, replayPreviewSchema, replayStatusSchema } from '../dead-letters/replay-routes.ts';
import { commandExamples } from '../development/worker-routes.ts';
import { problemCodes, problemTable } from '../http/problem.ts';
import {
  jobListExample,
  republishBodyExamples,
  republishedExample,
  statusExample,
} from '../jobs/jobs-openapi.ts';
import { jobListSchema } from '../jobs/list-jobs.ts';
import { republishBodySchema, republishedSchema } from '../jobs/republish-route.ts';
import { statusResponseSchema } from '../jobs/status-response.ts';
import {
  cacheStateExample,
  queueStatusExample,
  serverStatusExample,
} from '../pipeline-status/pipeline-status-openapi.ts';
import { queueStatusSchema } from '../pipeline-status/queue-status.ts';
import { cacheStateSchema, serverStatusSchema } from '../pipeline-status/server-status.ts';
import { queueStatsSchema } from '../thumbnails/thumbnail-routes.ts';
import { queueStatsExample } from '../thumbnails/thumbnails-openapi.ts';
import { acceptedExample, uploadForm } from '../upload/upload-openapi.ts';
import { allowedFormats, FILE_FIELD, textFields } from '../upload/upload-options.ts';
import { acceptedJobSchema } from '../upload/upload-response.ts';
import { createOpenapiDocument, operations } from './document.ts';
import { commonProblems, type Operation, unmatchedRouteProblems } from './operation.ts';

const root = join(import.meta.dirname, '../..');

/** The source of a folder, without tests and without the tables of codes that are compared with it. */
async function sourceOf(folder: string): Promise<string> {
  const names = (await readdir(join(root, folder), { recursive: true }))
    .map((name) => join(folder, name))
    .filter(
      (name) => name.endsWith('.ts') && !/node_modules|\.test\.ts$|^api\/(problem\.ts|openapi\/)/.test(name),
    );
  const texts = await Promise.all(names.map((name) => readFile(join(root, name), 'utf8')));
  return texts.join('\n').replace(/const errorCodes = \{.*?\n\}/s, '');
}

const anything = z.looseObject({});
const inputsSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        parameters: z
          .array(z.looseObject({ name: z.string(), required: z.boolean().default(false) }))
          .default([]),
        requestBody: z
          .object({ content: z.record(z.string(), z.object({ schema: z.object({ $ref: z.string() }) })) })
          .optional(),
      }),
    ),
  ),
  components: z.object({
    schemas: z.record(
      z.string(),
      z.object({
        properties: z.record(z.string(), anything).default({}),
        required: z.array(z.string()).default([]),
      }),
    ),
  }),
});

const options = { apiUrl: '', isProduction: false, maxFiles: 20 };

/** Optional parameters and form fields of the document, by operation and name. */
function optionalInputs(): Record<string, unknown> {
  const document = JSON.parse(JSON.stringify(createOpenapiDocument(options))) as unknown;
  const { paths, components } = inputsSchema.parse(document);
  const found: Record<string, unknown> = {};
  for (const operation of Object.values(paths).flatMap((item) => Object.values(item))) {
    for (const parameter of operation.parameters) {
      if (!parameter.required) found[`${operation.operationId} ${parameter.name}`] = parameter;
    }
    const form = operation.requestBody?.content['multipart/form-data']?.schema.$ref.split('/').at(-1);
    const { properties = {}, required = [] } = components.schemas[form ?? ''] ?? {};
    for (const [name, field] of Object.entries(properties)) {
      if (!required.includes(name)) found[`${operation.operationId} ${name}`] = field;
    }
  }
  return found;
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(
      JSON.parse(JSON.stringify(createOpenapiDocument(options))) as Record<string, unknown>,
    );
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('has every error code with its status at the operations that return it', () => {
    const { paths = {} } = createOpenapiDocument(options);
    const documented = new Set<string>([...unmatchedRouteProblems]);
    for (const [route, operation] of Object.entries<Operation>(operations)) {
      const [method = '', path = ''] = route.split(' ');
      const item = (paths[path] ?? {}) as Record<string, { responses?: Record<string, unknown> }>;
      for (const code of [...operation.problems, ...commonProblems]) {
        const response = item[method.toLowerCase()]?.responses?.[problemTable[code].status];
        expect(JSON.stringify(response), `${route} ${code}`).toContain(`"${code}"`);
        documented.add(code);
      }
    }
    expect([...documented].toSorted()).toEqual(problemCodes.toSorted());
  });

  it('has exactly the error codes that are used', async () => {
    const [api, shared] = [await sourceOf('api'), await sourceOf('shared')];
    expect(problemCodes.filter((code) => !`${api}${shared}`.includes(`'${code}'`))).toEqual([]);
    const thrown = [...api.matchAll(/new PipelineError\(\s*'(\w+)'/g)].map(([, code]) => code);
    expect(problemCodes).toEqual(expect.arrayContaining(thrown));
  });

  it('lists every code, including those of failed jobs', () => {
    const text = JSON.stringify(createOpenapiDocument(options).components?.schemas);
    for (const code of problemCodes) expect(text).toContain(`| \`${code}\` | ${problemTable[code].status} |`);
    expect(text).toContain('| `undecodable_image` | in a failed job |');
  });

  it('describes the fields of the upload form', () => {
    expect(Object.keys(uploadForm(20).shape)).toEqual([FILE_FIELD, ...textFields]);
    expect(uploadForm(20).shape.format.unwrap().options).toEqual(allowedFormats);
  });

  it('has no example or default for optional fields, which Swagger UI would send', () => {
    const optional = optionalInputs();
    expect(Object.keys(optional)).toEqual(
      expect.arrayContaining([
        'uploadImages Idempotency-Key',
        'uploadImages callback_url',
        'listJobs limit',
        'readStatus wait',
      ]),
    );
    for (const [name, input] of Object.entries(optional)) {
      expect(JSON.stringify(input), name).not.toMatch(/"(example|examples|default)":/);
    }
  });

  it('has a harmless first example of calls that change something, which Swagger UI sends by default', () => {
    expect(Object.values(replayBodyExamples)[0]).toMatchObject({ dry_run: true });
    expect(Object.values(republishBodyExamples)[0]).toMatchObject({ dry_run: true });
    const bodies = Object.values<Operation>(operations).filter(({ json }) => json !== undefined);
    expect(bodies.map(({ id }) => id)).toEqual(['republishJobs', 'replayDeadLetters', 'commandWorker']);
    expect(Object.values(commandExamples)[0]).toMatchObject({ command: 'resume' });
  });

  it('says how many files an upload has, and which members of a selection exclude each other', () => {
    const { components, paths } = createOpenapiDocument({ ...options, maxFiles: 7 });
    const oneOf = (...members: string[]) => ({ oneOf: members.map((member) => ({ required: [member] })) });
    expect(components?.schemas).toMatchObject({
      UploadForm: { properties: { file: { minItems: 1, maxItems: 7 } }, additionalProperties: false },
      ReplayOrder: { ...oneOf('ids', 'filter', 'all'), additionalProperties: false },
      RepublishOrder: { ...oneOf('ids', 'all'), additionalProperties: false },
    });
    expect(paths?.['/dlq/messages']?.delete?.parameters).toMatchObject([
      { in: 'query', required: true, schema: { ...oneOf('id', 'all'), additionalProperties: false } },
    ]);
  });

  it('has examples that match their schemas', () => {
    expect(acceptedJobSchema.strict().parse(acceptedExample)).toEqual(acceptedExample);
    expect(statusResponseSchema.strict().parse(statusExample)).toEqual(statusExample);
    expect(jobListSchema.strict().parse(jobListExample)).toEqual(jobListExample);
    expect(queueStatsSchema.strict().parse(queueStatsExample)).toEqual(queueStatsExample);
    expect(replayPreviewSchema.strict().parse(replayPreviewExample)).toEqual(replayPreviewExample);
    expect(replayBegunSchema.strict().parse(replayBegunExample)).toEqual(replayBegunExample);
    expect(replayStatusSchema.strict().parse(replayStatusExample)).toEqual(replayStatusExample);
    expect(serverStatusSchema.strict().parse(serverStatusExample)).toEqual(serverStatusExample);
    expect(cacheStateSchema.parse(cacheStateExample)).toEqual(cacheStateExample);
    expect(queueStatusSchema.strict().parse(queueStatusExample)).toEqual(queueStatusExample);
    expect(republishedSchema.strict().parse(republishedExample)).toEqual(republishedExample);
    for (const body of Object.values(republishBodyExamples)) {
      expect(republishBodySchema.safeParse(body).success).toBe(true);
    }
    for (const body of Object.values(replayBodyExamples)) expect(() => parseReplayOrder(body)).not.toThrow();
  });

  it('has the public URL if there is one', () => {
    expect(createOpenapiDocument({ ...options, apiUrl: 'https://images.example.org' }).servers).toEqual([
      { url: 'https://images.example.org' },
    ]);
  });
});
