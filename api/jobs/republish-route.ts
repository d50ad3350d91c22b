import type { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import { type JobRequest, jobStates } from '@image-pipeline/shared/contracts/job.ts';
import { isDamagedRecord, messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import { findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import { republishRun } from '@image-pipeline/shared/jobs/job-message.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { invalidBySchema, invalidParameter, validate } from '@image-pipeline/shared/validation.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { SnapshotCache } from '@image-pipeline/shared/snapshot-cache.ts';
import { exactlyOneOf } from '../openapi/operation.ts';
import type { Links } from './links.ts';

const MAX_IDS = 1_000;
/** Monitoring needs some seconds to see a message; until then its list still has the job. */
const REPUBLISH_AGAIN_MS = 60_000;

export const republishBodySchema = z
  .strictObject({
    ids: z.array(z.string().max(100)).min(1).max(MAX_IDS).optional().meta({ description: 'Job ids.' }),
    all: z.literal(true).optional().meta({ description: 'All jobs that are unaccounted for.' }),
    dry_run: z.boolean().default(false).meta({ description: 'Only list what would be republished.' }),
  })
  .meta({
    id: 'RepublishOrder',
    description: 'Exactly one of `ids` and `all` selects the jobs.',
    override: exactlyOneOf(['ids', 'all']),
  });

export const republishedSchema = z
  .object({
    dry_run: z.boolean(),
    republished: z.int().min(0).meta({ description: 'In a dry run: jobs that would be republished.' }),
    jobs: z.array(
      z.object({
        job_id: z.string(),
        run: z.int().min(1),
        status: z.enum(jobStates),
        republished: z.boolean().meta({
          description: 'False if the job has ended, has a message, or was republished a moment ago.',
        }),
        status_url: z.string(),
      }),
    ),
  })
  .meta({ id: 'Republished' });

export interface RepublishDeps {
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly snapshots: Pick<SnapshotCache, 'known'>;
  readonly links: Links;
  readonly log: Logger;
}

/**
 * `POST /jobs/republish`: publishes the messages of jobs again that are in no queue. Monitoring's ledger knows which: a job
 * that still has a message is never republished.
 */
export function republishRoute(deps: RepublishDeps): RequestHandler {
  const { store, publisher, snapshots, links, log } = deps;
  /** Time by the monotonic clock, by `{job_id}/{run}`. */
  const republishedAt = new Map<string, number>();
  const republish = async (key: string, job: JobRequest): Promise<boolean> => {
    // Before it is published: another call may come meanwhile.
    republishedAt.set(key, performance.now());
    const isRepublished = await republishRun(job, { store, publisher }).catch((error: unknown) => {
      republishedAt.delete(key);
      throw error;
    });
    const { job_id, run } = job;
    if (isRepublished) log.warn({ job_id, run }, 'republished a job that was in no queue');
    return isRepublished;
  };
  return async (request, response) => {
    const { ids, dry_run } = parseOrder(request.body);
    const lost = lostJobs(snapshots);
    const wanted = new Set(ids?.map((id) => id.toLowerCase()) ?? lost.keys());
    const views: JobView[] = [];
    for (const id of wanted) {
      const view = ids === undefined ? await findReadableJob(id, deps) : await findJob(id, store);
      if (view !== undefined) views.push(view);
    }
    const now = performance.now();
    for (const [key, at] of republishedAt) if (at < now - REPUBLISH_AGAIN_MS) republishedAt.delete(key);
    const jobs: z.output<typeof republishedSchema>['jobs'] = [];
    for (const { request: job, state: status } of views) {
      const { job_id, run } = job;
      const key = `${job_id}/${run}`;
      const isDue = lost.get(job_id) === run && !republishedAt.has(key);
      const republished = isDue && (dry_run || (await republish(key, job)));
      jobs.push({ job_id, run, status, republished, status_url: links.status(job_id) });
    }
    response.setHeader('Cache-Control', 'no-store');
    const republished = jobs.filter((job) => job.republished).length;
    response.json({ dry_run, republished, jobs } satisfies z.output<typeof republishedSchema>);
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

/** The unaccounted runs by job. @throws PipelineError `not_caught_up` */
function lostJobs(snapshots: RepublishDeps['snapshots']): ReadonlyMap<string, number> {
  const known = snapshots.known('events');
  if (known?.isCurrent !== true) {
    throw new PipelineError(
      'not_caught_up',
      'The monitoring service, which knows the jobs that are in no queue, does not respond or is still starting. Retry when it is ready.',
    );
  }
  return new Map((known.snapshot.ledger?.lost_jobs ?? []).map(({ job_id, run }) => [job_id, run]));
}

/** The newest run of a job that monitoring lists; undefined if its records are missing or damaged: others go on. */
async function findReadableJob(
  id: string,
  { store, log }: Pick<RepublishDeps, 'store' | 'log'>,
): Promise<JobView | undefined> {
  try {
    return await findStoredJob(store, id);
  } catch (error) {
    if (!isDamagedRecord(error)) throw error;
    log.warn({ job_id: id, reason: messageOf(error) }, 'not republished: a record of the job is damaged');
    return undefined;
  }
}

/** The newest run. @throws PipelineError `job_not_found`, `record_damaged` */
async function findJob(id: string, store: RepublishDeps['store']): Promise<JobView> {
  const view = await findStoredJob(store, id);
  if (view !== undefined) return view;
  throw new PipelineError('job_not_found', `No job with the id ${id}.`, { details: { job_id: id } });
}
