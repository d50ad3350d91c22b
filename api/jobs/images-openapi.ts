import { z } from 'zod';
import { acceptedJobSchema, acceptedJobsSchema } from '../upload/upload-response.ts';
import { REPLAYED_HEADER } from '../upload/idempotency-key.ts';
import type { ProblemCode } from '../http/problem.ts';
import { acceptedExample } from '../openapi/examples.ts';
import { uploadFormSchema, uploadHeadersSchema } from '../upload/upload-form.ts';
import { jobPath, jobProblems } from './job-path.ts';
import type { Operations } from '../openapi/operation.ts';

const imageTypes = { 'image/png': undefined, 'image/jpeg': undefined, 'image/webp': undefined };
const imageHeaders = {
  ETag: 'The SHA-256 of the bytes; send it back as If-None-Match.',
  'Content-Disposition': 'The name of the upload, with the ending of this image.',
};
const unchanged = { description: 'Unchanged since the ETag in If-None-Match.' };
const imageProblems: readonly ProblemCode[] = [...jobProblems, 'not_ready', 'job_failed', 'result_gone'];

/** Handing images in, and getting them back. */
export const imageOperations = {
  'POST /upload': {
    id: 'uploadImages',
    tag: 'Images',
    summary: 'Hand in one or several images',
    description:
      'Answers 202 once the originals are stored and RabbitMQ has confirmed the jobs. The answer to one file is that job; to several, one verdict a file: 202 if at least one was accepted, else the problem of the first with the member `jobs`.',
    headers: uploadHeadersSchema,
    form: uploadFormSchema,
    answers: {
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
  'GET /results/{job_id}': {
    id: 'readResult',
    tag: 'Images',
    summary: 'The finished image',
    path: jobPath,
    answers: {
      200: { description: 'The image.', types: imageTypes, headers: imageHeaders },
      304: unchanged,
    },
    problems: imageProblems,
  },
  'GET /originals/{job_id}': {
    id: 'readOriginal',
    tag: 'Images',
    summary: 'The image as it was uploaded',
    path: jobPath,
    answers: {
      200: {
        description: 'The image.',
        types: { ...imageTypes, 'image/gif': undefined },
        headers: imageHeaders,
      },
      304: unchanged,
    },
    problems: [...jobProblems, 'result_gone'],
  },
  'GET /thumbnail/{job_id}': {
    id: 'readThumbnail',
    tag: 'Images',
    summary: 'A small JPEG of the finished image',
    description:
      'From memory, or from the store, to which at most `UPSTREAM_MAX_CONCURRENT` go at once; the others wait in line.',
    path: jobPath,
    answers: {
      200: { description: 'The image.', types: { 'image/jpeg': undefined }, headers: imageHeaders },
      304: unchanged,
    },
    problems: [...imageProblems, 'overloaded'],
  },
} as const satisfies Operations;
