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
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { postInSpan } from '@image-pipeline/shared/tracing/http-spans.ts';
import { invalidBySchema, invalidParameter, validate } from '@image-pipeline/shared/validation.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { exactlyOneOf } from '../openapi/operation.ts';
import type { Links } from './links.ts';

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
          status: z.enum(jobStates).optional().meta({ description: 'Before the request; only with `ids`.' }),
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
  /** `timeoutMs` is for the whole response. */
  readonly monitoring: { readonly url: string; readonly timeoutMs: number };
  readonly links: Links;
  readonly log: Logger;
}

/**
 * `POST /jobs/republish`: publishes the messages of jobs again that are in no queue. Monitoring's ledger knows which, and
 * publishes them: a job that still has a message is never republished.
 */
export function republishRoute(deps: RepublishDeps): RequestHandler {
  const { store, links } = deps;
  return async (request, response) => {
    const { ids: given, dry_run } = parseOrder(request.body);
    const views: JobView[] = [];
    for (const id of new Set(given?.map((each) => each.toLowerCase()))) views.push(await findJob(id, store));
    const ids = given && views.map((view) => view.request.job_id);
    const order = { dry_run, ...(ids && { ids }) };
    const { runs, ...counts } = await republish(order, request.headers.authorization ?? '', deps);
    const listed =
      ids === undefined
        ? runs.map((run) => ({ ...run, republished: true }))
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

/** Why the monitoring service may refuse. */
const refusalSchema = z.object({
  code: z.enum([
    'unauthorized',
    'token_not_set',
    'not_caught_up',
    'store_unavailable',
    'broker_unavailable',
    'publish_unconfirmed',
  ] as const satisfies ErrorCode[]),
  detail: z.string(),
});

/**
 * @param authorization of the client: both services have the same token
 * @throws PipelineError `token_not_set`, `not_caught_up`, `store_unavailable`, `broker_unavailable`, `publish_unconfirmed`
 */
async function republish(
  order: RepublishOrder,
  authorization: string,
  { monitoring, log }: RepublishDeps,
): Promise<RepublishResult> {
  const url = new URL(`${monitoring.url.replace(/\/+$/, '')}/republish`);
  const signal = AbortSignal.timeout(monitoring.timeoutMs);
  try {
    const { status, body } = await postInSpan(url, async (trace) => {
      const headers = { ...trace, authorization };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order), signal });
      return { status: response.status, body: await response.text() };
    });
    if (status === 200) return republishResultSchema.parse(parseJson(body));
    throw refusalIn(body) ?? new Error(`Monitoring responded with ${status}: ${body.slice(0, 500)}`);
  } catch (error) {
    log.warn({ err: error }, 'monitoring did not republish jobs');
    if (error instanceof PipelineError) throw error;
    const detail = signal.aborted
      ? 'Monitoring is still republishing. Ask again.'
      : 'The monitoring service, which knows the jobs that are in no queue, is unavailable, still starting or of another version. Retry when it is ready; the log of the API has the cause.';
    throw new PipelineError('not_caught_up', detail, { cause: error });
  }
}

/** Undefined for a response that monitoring does not give when it is of this version and works. */
function refusalIn(body: string): PipelineError | undefined {
  const { data: refusal } = refusalSchema.safeParse(parseJson(body));
  if (refusal === undefined) return undefined;
  const { code, detail } = refusal;
  if (code !== 'unauthorized' && code !== 'token_not_set') return new PipelineError(code, detail);
  // The API has accepted the same token.
  return new PipelineError(
    'token_not_set',
    'Monitoring refused the API token: monitoring and API must have the same API_TOKEN.',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The newest run. @throws PipelineError `job_not_found`, `record_damaged` */
async function findJob(id: string, store: RepublishDeps['store']): Promise<JobView> {
  const view = await findStoredJob(store, id);
  if (view !== undefined) return view;
  throw new PipelineError('job_not_found', `No job with the id ${id}.`, { details: { job_id: id } });
}
