import { z } from 'zod';
import { errorTable } from './error-table.ts';
import { problemCodes } from '../http/problem.ts';

/** RFC 9457, with the members that our problems add. */
export const problemAnswerSchema = z
  .looseObject({
    type: z.string().meta({ description: 'Names the kind of problem.' }),
    title: z.string().meta({ description: 'What the code means, the same every time.' }),
    status: z.int().meta({ description: 'The HTTP status.' }),
    detail: z.string().meta({ description: 'What happened this time, for people.' }),
    code: z.enum(problemCodes).meta({ description: 'Stable; what programs should look at.' }),
    instance: z.string().optional().meta({ description: 'The path that was asked for.' }),
    job_id: z.string().optional().meta({ description: 'The job that it is about, if it is about one.' }),
    trace_id: z.string().optional().meta({
      description: 'The trace of the request (W3C Trace Context); every log line about it carries the same.',
    }),
    parameter: z.string().optional().meta({ description: 'The parameter or field that is wrong.' }),
    allowed: z.unknown().optional().meta({ description: 'What is allowed instead.' }),
    limit: z.int().optional().meta({ description: 'The limit that was exceeded.' }),
    seen: z.unknown().optional().meta({ description: 'What was seen instead.' }),
  })
  .meta({ id: 'Problem', description: `Problem details (RFC 9457).\n\n${errorTable()}` });
