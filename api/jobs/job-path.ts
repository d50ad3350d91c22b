import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';
import type { ProblemCode } from '../http/problem.ts';

/** The path of calls that are about one job. */
export const jobPath = z.object({
  job_id: jobIdSchema.meta({
    description: 'As the upload answered it.',
    example: '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d',
  }),
});

/** What each of them can answer. */
export const jobProblems: readonly ProblemCode[] = ['job_not_found', 'store_unavailable'];
