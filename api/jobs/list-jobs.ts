import {
  failureSchema,
  givenJobIdSchema,
  jobIdSchema,
  jobStates,
  slotSchema,
  type TimelineEntry,
} from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { clientGone, cursorMeta, nextCursorSchema, readQuery, wholeNumber } from '../http/request.ts';
import { createConfirmPage } from './confirm-page.ts';
import type { FollowedJobs } from './followed-jobs.ts';
import type { Links } from './links.ts';
import type { JobSources } from './read-status.ts';
import { updatedAt } from './status-response.ts';

const submittedSchema = z.iso.datetime({ offset: true });

export const jobListQuerySchema = z.object({
  status: z.enum(jobStates).optional().meta({ description: 'Only jobs in this state.' }),
  error: z.string().optional().meta({ description: 'Only jobs whose newest error has this code.' }),
  worker: z.string().optional().meta({ description: 'Only jobs whose newest attempt is on this worker.' }),
  name: z.string().optional().meta({
    description: 'Only jobs whose file name contains this text; letter case does not matter.',
  }),
  from: submittedSchema
    .optional()
    .meta({ description: 'Only jobs that were submitted at this time or later.' }),
  to: submittedSchema.optional().meta({ description: 'Only jobs that were submitted before this time.' }),
  limit: wholeNumber(1, 1_000, 20, 'Jobs on one page.'),
  cursor: givenJobIdSchema.optional().meta(cursorMeta),
});

const jobSummarySchema = z
  .object({
    job_id: jobIdSchema,
    status: z.enum(jobStates),
    run: z.int().min(1),
    attempt: z.int().min(1),
    submitted_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    name: z.string().meta({ description: 'The display name of the original.' }),
    size: z.int().min(1).meta({ description: 'Size of the original in bytes.' }),
    started_at: z.iso.datetime().optional().meta({ description: 'Start of the newest attempt.' }),
    worker: z.string().optional().meta({ description: 'The worker that the job was last on.' }),
    slot: slotSchema.optional(),
    error: failureSchema.optional().meta({ description: 'Why it failed, or why it waits for a retry.' }),
    retry_at: z.iso.datetime().optional().meta({ description: 'When it returns to the queue.' }),
    status_url: z.string(),
    result_url: z.string().optional().meta({
      description: 'Missing until the store confirms the result, e.g. while it is unavailable.',
    }),
  })
  .meta({ id: 'JobSummary' });

export const jobListSchema = z
  .object({
    jobs: z.array(jobSummarySchema).meta({ description: 'Newest first.' }),
    next_cursor: nextCursorSchema,
  })
  .meta({ id: 'JobList' });

export type JobList = z.output<typeof jobListSchema>;

function summaryOf(view: JobView, { followed, links }: Pick<JobsRouteDeps, 'followed' | 'links'>) {
  const { job_id, run, submitted_at, original } = view.request;
  const newest = view.timeline.at(-1);
  const turn = newestTurn(view);
  const start = newestStart(view);
  return {
    job_id,
    status: view.state,
    run,
    attempt: view.attempt,
    submitted_at,
    updated_at: updatedAt(view),
    name: original.name,
    size: original.size,
    ...(start === undefined ? {} : { started_at: start.at }),
    ...(start?.slot === undefined ? {} : { slot: start.slot }),
    ...(turn?.worker === undefined ? {} : { worker: turn.worker }),
    ...(turn?.error === undefined ? {} : { error: turn.error }),
    ...(newest?.retry_at === undefined ? {} : { retry_at: newest.retry_at }),
    status_url: links.status(job_id),
    ...(view.state === 'completed' && followed.isStored(view) ? { result_url: links.result(job_id) } : {}),
  };
}

function newestStart({ timeline }: JobView): TimelineEntry | undefined {
  return timeline.findLast(({ state }) => state === 'processing');
}

/** The newest entry that is no postponement: a postponed job has the error and the worker of its failed attempt. */
function newestTurn({ timeline }: JobView): TimelineEntry | undefined {
  return timeline.findLast(({ state }) => state !== 'postponed');
}

type JobFilter = Omit<z.output<typeof jobListQuerySchema>, 'limit' | 'cursor'>;

function matcher({ status, error, worker, name, from, to }: JobFilter): (view: JobView) => boolean {
  const text = name?.toLowerCase();
  const [begin, end] = [from, to].map((time) => (time === undefined ? undefined : Date.parse(time)));
  return (view) => {
    const { state, request } = view;
    const turn = newestTurn(view);
    const submitted = Date.parse(request.submitted_at);
    return (
      (status === undefined || state === status) &&
      (error === undefined || turn?.error?.code === error) &&
      (worker === undefined || turn?.worker === worker) &&
      (text === undefined || request.original.name.toLowerCase().includes(text)) &&
      (begin === undefined || submitted >= begin) &&
      (end === undefined || submitted < end)
    );
  };
}

export interface JobsRouteDeps extends JobSources {
  readonly followed: JobSources['followed'] & Pick<FollowedJobs, 'list'>;
  readonly isCaughtUp: () => boolean;
  readonly links: Links;
}

/** `GET /jobs`: the newest jobs in the event log, as far as the store confirms them. Does not fail without the store. */
export function jobsRoute(deps: JobsRouteDeps): RequestHandler {
  const { followed, isCaughtUp } = deps;
  const confirmPage = createConfirmPage(deps);
  return async (request, response) => {
    const { limit, cursor, ...filter } = readQuery(request, jobListQuerySchema);
    if (!isCaughtUp()) {
      throw new PipelineError('not_caught_up', 'The event log is still being read. Retry in a moment.');
    }
    const matches = matcher(filter);
    const page = followed.list({ matches, limit, before: cursor });
    const confirmed = await confirmPage(page.jobs, clientGone(response));
    const jobs = confirmed.filter(matches).map((view) => summaryOf(view, deps));
    response.setHeader('Cache-Control', 'no-store');
    response.json({ jobs, next_cursor: page.next ?? null } satisfies JobList);
  };
}
