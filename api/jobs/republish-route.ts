import {
  MAX_JOBS_LISTED,
  republishCountsSchema,
  republishOrderSchema,
  type RepublishOrder,
  type RepublishResult,
  republishResultSchema,
} from '@image-pipeline/shared/contracts/republish.ts';
import { jobStates } from '@image-pipeline/shared/contracts/job.ts';
import { type ErrorCode, PipelineError } from '@image-pipeline/shared/errors.ts';
import { findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { invalidBySchema, invalidParameter, validate } from '@image-pipeline/shared/validation.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { exactlyOneOf } from '../openapi/operation.ts';
import type { Links } from './links.ts';

/** Republishing a hundred thousand jobs takes about a minute. */
const MONITORING_TIMEOUT_MS = 280_000;

export const republishBodySchema = republishOrderSchema
  .extend({
    all: z.literal(true).optional().meta({ description: 'All jobs that are unaccounted for.' }),
  })
  .meta({
    id: 'RepublishOrder',
    description: 'Exactly one of `ids` and `all` selects the jobs.',
    override: exactlyOneOf(['ids', 'all']),
  });

export const republishedSchema = republishCountsSchema
  .extend({
    jobs: z
      .array(
        z.object({
          job_id: z.string(),
          run: z.int().min(1),
          status: z.enum(jobStates),
          republished: z.boolean().meta({
            description: 'False if the job has ended, has a message, or was republished a moment ago.',
          }),
          status_url: z.string(),
        }),
      )
      .meta({
        description: `The jobs in \`ids\`; with \`all\`, the first ${MAX_JOBS_LISTED} that were republished.`,
      }),
  })
  .meta({ id: 'Republished' });

export interface RepublishDeps {
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  /** Of the monitoring service. */
  readonly monitoringUrl: string;
  readonly links: Links;
}

/**
 * `POST /jobs/republish`: publishes the messages of jobs again that are in no queue. Monitoring's ledger knows which, and
 * publishes them: a job that still has a message is never republished.
 */
export function republishRoute({ store, monitoringUrl, links }: RepublishDeps): RequestHandler {
  return async (request, response) => {
    const { ids: given, dry_run } = parseOrder(request.body);
    const views: JobView[] = [];
    for (const id of new Set(given?.map((each) => each.toLowerCase()))) views.push(await findJob(id, store));
    const ids = given && views.map((view) => view.request.job_id);
    const order = { dry_run, ...(ids && { ids }) };
    const { runs, ...counts } = await republish(order, monitoringUrl, request.headers.authorization ?? '');
    const listed =
      ids === undefined
        ? runs.map((run) => ({ ...run, status: 'queued' as const, republished: true }))
        : views.map(({ request: { job_id, run }, state: status }) => {
            const republished = runs.some((each) => each.job_id === job_id && each.run === run);
            return { job_id, run, status, republished };
          });
    const jobs = listed.map((job) => ({ ...job, status_url: links.status(job.job_id) }));
    response.setHeader('Cache-Control', 'no-store');
    response.json({ ...counts, jobs } satisfies z.output<typeof republishedSchema>);
  };
}

function parseOrder(body: unknown): z.output<typeof republishBodySchema> {
  const { data, problems } = validate(republishBodySchema, body);
  if (problems !== undefined) throw invalidBySchema('', problems);
  const { ids, all } = data;
  if ((ids === undefined) !== (all === undefined)) return data;
  const seen = ids === undefined ? 'got none' : 'got both';
  throw invalidParameter('ids, all', `send exactly one of them; ${seen}`, { allowed: ['ids', 'all'] });
}

/** What the monitoring service may refuse, and the client should know. */
const problemSchema = z.object({
  code: z.enum([
    'not_caught_up',
    'store_unavailable',
    'broker_unavailable',
    'publish_unconfirmed',
  ] as const satisfies ErrorCode[]),
  detail: z.string(),
});

/**
 * @param authorization of the client: both services have the same token
 * @throws PipelineError as in `problemSchema`
 */
async function republish(
  order: RepublishOrder,
  url: string,
  authorization: string,
): Promise<RepublishResult> {
  let refusal: { readonly code: ErrorCode; readonly detail: string } | undefined;
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/republish`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(MONITORING_TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    if (response.ok) return republishResultSchema.parse(body);
    refusal = problemSchema.parse(body);
  } catch (cause) {
    throw new PipelineError(
      'not_caught_up',
      'The monitoring service, which knows the jobs that are in no queue, does not respond or is still starting. Retry when it is ready.',
      { cause },
    );
  }
  throw new PipelineError(refusal.code, refusal.detail);
}

/** The newest run. @throws PipelineError `job_not_found`, `record_damaged` */
async function findJob(id: string, store: RepublishDeps['store']): Promise<JobView> {
  const view = await findStoredJob(store, id);
  if (view !== undefined) return view;
  throw new PipelineError('job_not_found', `No job with the id ${id}.`, { details: { job_id: id } });
}
