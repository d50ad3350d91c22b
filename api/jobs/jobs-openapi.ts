import type { ProblemCode } from '../http/problem.ts';
import { EXAMPLE_JOB_ID, jobPath, jobProblems, type Operations } from '../openapi/operation.ts';
import { type JobList, jobListQuerySchema, jobListSchema } from './list-jobs.ts';
import { republishBodySchema, republishedSchema } from './republish-route.ts';
import { type StatusResponse, statusResponseSchema } from './status-response.ts';
import { statusQuerySchema } from './status-route.ts';

const imageTypes = { 'image/png': undefined, 'image/jpeg': undefined, 'image/webp': undefined };
export const imageHeaders = {
  ETag: 'SHA-256 of the bytes, for If-None-Match.',
  'Content-Disposition': 'File name of the upload, with the extension of this image.',
};
export const unchanged = { description: 'Not modified: it matches the ETag in If-None-Match.' };
export const imageProblems: readonly ProblemCode[] = [
  ...jobProblems,
  'not_ready',
  'job_failed',
  'result_gone',
  'image_damaged',
  'overloaded',
];

/** The OpenAPI entries of a job's images. */
export const imageOperations = {
  'GET /results/{job_id}': {
    id: 'readResult',
    tag: 'Images',
    summary: 'Get the result of a job',
    description: 'Of the newest run. With If-None-Match, 304 if the image is the same.',
    path: jobPath,
    responses: {
      200: { description: 'The image.', types: imageTypes, headers: imageHeaders },
      304: unchanged,
    },
    problems: imageProblems,
  },
  'GET /originals/{job_id}': {
    id: 'readOriginal',
    tag: 'Images',
    summary: 'Get the original of a job',
    description: 'The uploaded bytes, unchanged. With If-None-Match, 304 if the image is the same.',
    path: jobPath,
    responses: {
      200: {
        description: 'The image.',
        types: { ...imageTypes, 'image/gif': undefined },
        headers: imageHeaders,
      },
      304: unchanged,
    },
    problems: [...jobProblems, 'result_gone', 'image_damaged', 'overloaded'],
  },
} as const satisfies Operations;

export const statusExample: StatusResponse = {
  job_id: EXAMPLE_JOB_ID,
  status: 'completed',
  run: 1,
  attempt: 1,
  submitted_at: '2026-03-02T10:15:30.123Z',
  updated_at: '2026-03-02T10:15:30.681Z',
  original: {
    name: 'sample.jpg',
    size: 482_113,
    content_type: 'image/jpeg',
    url: `/originals/${EXAMPLE_JOB_ID}`,
  },
  operations: [
    { type: 'resize', width: 800, height: 600, fit: 'contain', enlarge: false },
    { type: 'watermark', text: 'image pipeline', position: 'bottom-right', opacity: 0.5, size: 0.06 },
  ],
  output: { format: null, quality: 85 },
  read_from: 'event_log',
  timeline: [
    { state: 'queued', at: '2026-03-02T10:15:30.123Z', run: 1, attempt: 1 },
    {
      state: 'processing',
      at: '2026-03-02T10:15:30.131Z',
      run: 1,
      attempt: 1,
      worker: 'worker-1',
      slot: 1,
    },
    { state: 'completed', at: '2026-03-02T10:15:30.681Z', run: 1, attempt: 1, worker: 'worker-1' },
  ],
  result: {
    url: `/results/${EXAMPLE_JOB_ID}`,
    content_type: 'image/jpeg',
    size: 61_204,
    width: 800,
    height: 450,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
  source: { width: 1920, height: 1080 },
  thumbnail_url: `/thumbnail/${EXAMPLE_JOB_ID}`,
  timings: { wait_ms: 8, fetch_ms: 3, process_ms: 521, store_ms: 21 },
  callback: {
    url: 'https://example.org/hooks/images',
    deliveries: [
      {
        event: 'job.completed',
        run: 1,
        attempt: 1,
        at: '2026-03-02T10:15:30.702Z',
        state: 'retrying',
        status: 503,
        error: {
          code: 'not_accepted',
          reason: 'The receiver returned a status other than 2xx. It was 503.',
        },
        next_attempt_at: '2026-03-02T10:15:34.511Z',
      },
      {
        event: 'job.completed',
        run: 1,
        attempt: 2,
        at: '2026-03-02T10:15:34.874Z',
        state: 'delivered',
        status: 200,
      },
    ],
  },
  runs: [],
};

export const jobListExample: JobList = {
  jobs: [
    {
      job_id: EXAMPLE_JOB_ID,
      status: 'completed',
      run: 1,
      attempt: 1,
      submitted_at: statusExample.submitted_at,
      updated_at: statusExample.updated_at,
      name: 'sample.jpg',
      size: statusExample.original.size,
      started_at: '2026-03-02T10:15:30.131Z',
      slot: 1,
      worker: 'worker-1',
      status_url: `/status/${EXAMPLE_JOB_ID}`,
      result_url: `/results/${EXAMPLE_JOB_ID}`,
    },
  ],
  next_cursor: null,
};

/** Request bodies; tests parse them. Swagger UI sends the first one by default, so it is a dry run. */
export const republishBodyExamples = {
  'what would be republished': { all: true, dry_run: true },
  'one job': { ids: [EXAMPLE_JOB_ID] },
  'all unaccounted jobs': { all: true },
};

export const republishedExample = {
  dry_run: false,
  unaccounted: 1,
  republished: 1,
  ended: 0,
  damaged: 0,
  left: 0,
  jobs: [
    {
      job_id: EXAMPLE_JOB_ID,
      run: 1,
      status: 'queued',
      republished: true,
      status_url: `/status/${EXAMPLE_JOB_ID}`,
    },
  ],
};

/** The OpenAPI entries of status and list. */
export const jobOperations = {
  'GET /status/{job_id}': {
    id: 'readStatus',
    tag: 'Jobs',
    summary: 'Get the status of a job',
    description: 'With `wait`, a long poll: responds when the job has ended or the time has elapsed.',
    path: jobPath,
    query: statusQuerySchema,
    responses: {
      200: {
        description: 'The job.',
        types: { 'application/json': statusResponseSchema },
        example: statusExample,
      },
    },
    problems: jobProblems,
  },
  'GET /jobs': {
    id: 'listJobs',
    tag: 'Jobs',
    summary: 'List the newest jobs',
    description:
      'Needs the token in production; a single job only needs its id. Jobs that the store cannot confirm, because it is unavailable or their record is damaged, are listed as their events say.',
    query: jobListQuerySchema,
    responses: {
      200: {
        description: 'One page of jobs.',
        types: { 'application/json': jobListSchema },
        example: jobListExample,
      },
    },
    problems: ['not_caught_up', 'unauthorized'],
    token: 'in production',
  },
  'POST /jobs/republish': {
    id: 'republishJobs',
    tag: 'Jobs',
    summary: 'Republish jobs that are in no queue',
    description:
      'For jobs whose message was lost, because a queue was purged or deleted. The ledger of the monitoring service knows which; it republishes them itself after a while. A job that still has a message is not republished. A request handles what it can in 30 s: repeat it until `left` is 0. If one id is unknown, none is. A dry run does not read the records of `all`, so its `ended` and `damaged` are 0.',
    json: { schema: republishBodySchema, examples: republishBodyExamples },
    responses: {
      200: {
        description: 'The counts, and the jobs.',
        types: { 'application/json': republishedSchema },
        example: republishedExample,
      },
    },
    problems: [
      'unauthorized',
      'token_not_set',
      'body_too_large',
      'job_not_found',
      'record_damaged',
      'not_caught_up',
      'store_unavailable',
      'broker_unavailable',
      'publish_unconfirmed',
    ],
    token: 'always',
  },
} as const satisfies Operations;
