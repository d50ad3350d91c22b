import { jobListAnswerSchema } from './job-list-response.ts';
import { jobListQuerySchema, statusQuerySchema } from '../http/queries.ts';
import { statusAnswerSchema } from './status-response.ts';
import { jobListExample, statusExample } from '../openapi/examples.ts';
import { jobPath, jobProblems } from './job-path.ts';
import type { Operations } from '../openapi/operation.ts';

/** What became of jobs. */
export const jobOperations = {
  'GET /status/{job_id}': {
    id: 'readStatus',
    tag: 'Jobs',
    summary: 'What became of a job',
    description: 'With `wait` the answer is held until the job has ended or the time is up.',
    path: jobPath,
    query: statusQuerySchema,
    answers: {
      200: {
        description: 'The job.',
        types: { 'application/json': statusAnswerSchema },
        example: statusExample,
      },
    },
    problems: [...jobProblems, 'invalid_parameter'],
  },
  'GET /jobs': {
    id: 'listJobs',
    tag: 'Jobs',
    summary: 'The newest jobs',
    description: 'In production the list needs the token; a job’s own id is enough for that job.',
    query: jobListQuerySchema,
    answers: {
      200: {
        description: 'One page.',
        types: { 'application/json': jobListAnswerSchema },
        example: jobListExample,
      },
    },
    problems: ['invalid_parameter', 'not_caught_up', 'unauthorized'],
    token: 'in production',
  },
} as const satisfies Operations;
