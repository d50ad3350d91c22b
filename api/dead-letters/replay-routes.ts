import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { Links } from '../jobs/links.ts';
import { chooseReplays, type ReadState } from './choose-dead-letters.ts';
import { deadLetterEntrySchema } from './dead-letter-routes.ts';
import type { DeadLetters } from './dead-letters.ts';
import {
  type ReplayedState,
  replayedStates,
  type ReplayRecords,
  type StoredReplay,
} from './replay-records.ts';
import { parseReplayOrder } from './replay-request.ts';
import type { Replays } from './replays.ts';

export interface ReplayRouteDeps {
  readonly deadLetters: Pick<DeadLetters, 'records'>;
  readonly readState: ReadState;
  readonly replays: Pick<Replays, 'begin'>;
  /** Why no job can be accepted right now, or undefined. */
  readonly whyUnavailable: () => PipelineError | undefined;
  readonly links: Links;
}

/** `POST /dlq/replay`: select dead letters, then start a replay of this selection. */
export function replayRoute(deps: ReplayRouteDeps): RequestHandler {
  const { deadLetters, readState, replays, whyUnavailable, links } = deps;
  return async (request, response) => {
    const { selection, dryRun, limit } = parseReplayOrder(request.body);
    const chosen = await chooseReplays(selection, await deadLetters.records(), readState);
    response.setHeader('Cache-Control', 'no-store');
    if (dryRun || chosen.length === 0) {
      response.json(replayPreview(chosen, { dryRun, limit, links }));
      return;
    }
    const refusal = whyUnavailable();
    if (refusal !== undefined) throw refusal;
    const replay_id = uuidv7();
    const runs = chosen.slice(0, limit).map(({ job_id, run }) => ({ job_id, run }));
    await replays.begin({ version: 1, replay_id, started_at: new Date().toISOString(), runs });
    const status_url = links.replay(replay_id);
    response.setHeader('Location', status_url);
    response
      .status(202)
      .json({ replay_id, status_url, matching: chosen.length, total: runs.length } satisfies z.output<
        typeof replayBegunSchema
      >);
  };
}

/** `GET /dlq/replays`: the newest ones, whichever replica ran them. */
export function replaysRoute(records: Pick<ReplayRecords, 'newest'>, links: Links): RequestHandler {
  return async (_request, response) => {
    const replays = await records.newest(MAX_REPLAYS_LISTED);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ replays: replays.map((replay) => replayStatus(replay, links)) } satisfies z.output<
      typeof replayListSchema
    >);
  };
}

/** `GET /dlq/replays/{replay_id}`: its progress, whichever replica runs it. */
export function replayStatusRoute(records: Pick<ReplayRecords, 'find'>, links: Links): RequestHandler {
  return async (request, response) => {
    const id = z.uuid().safeParse(request.params['replay_id']).data?.toLowerCase();
    const replay = id === undefined ? undefined : await records.find(id);
    if (replay === undefined) throw new PipelineError('not_found', 'No replay with this id.');
    response.setHeader('Cache-Control', 'no-store');
    response.json(replayStatus(replay, links));
  };
}

/** Maximum number of listed jobs; the counts include all. */
const MAX_LISTED = 1_000;
const MAX_REPLAYS_LISTED = 20;

const count = z.int().min(0);
const counts = {
  matching: count.meta({ description: 'Dead letters that match the selection.' }),
  total: count.meta({ description: 'Of these, up to the limit.' }),
};

/** Response without a replay: a dry run, or nothing matches. */
export const replayPreviewSchema = z
  .object({
    dry_run: z.boolean(),
    ...counts,
    jobs: z
      .array(deadLetterEntrySchema)
      .meta({ description: `In the order of their replay; the first ${MAX_LISTED}.` }),
  })
  .meta({ id: 'ReplayPreview' });

export const replayBegunSchema = z
  .object({ replay_id: z.uuid(), status_url: z.string(), ...counts })
  .meta({ id: 'ReplayBegun' });

export const replayStatusSchema = z
  .object({
    replay_id: z.uuid(),
    state: z.enum(['running', 'done', 'stopped']).meta({
      description: '`stopped`: a job failed again or did not end in time; the rest stay in the DLQ.',
    }),
    total: count,
    replayed: count.meta({ description: 'Queued so far.' }),
    completed: count,
    failed: count.meta({ description: 'Failed again; they are back in the DLQ.' }),
    skipped: count.meta({ description: 'Removed in the meantime, or not replayable.' }),
    remaining: count.meta({ description: 'Still in the DLQ.' }),
    reason: z.string().optional().meta({ description: 'Why it stopped.' }),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime().optional(),
    jobs: z
      .array(
        z.object({
          job_id: z.string(),
          run: z.int().min(2).meta({ description: 'The new run.' }),
          state: z.enum([...replayedStates, 'dead']).meta({
            description:
              '`replayed`: queued, not ended yet. `dead`: still in the DLQ, because the replay stopped before it.',
          }),
          status_url: z.string(),
        }),
      )
      .meta({ description: `The first ${MAX_LISTED}.` }),
  })
  .meta({ id: 'ReplayStatus' });

export const replayListSchema = z
  .object({
    replays: z
      .array(replayStatusSchema)
      .meta({ description: `Newest first; at most ${MAX_REPLAYS_LISTED}.` }),
  })
  .meta({ id: 'ReplayList' });

/** @param deadLetters all matches, of which `limit` are selected */
function replayPreview(
  deadLetters: readonly DeadLetter[],
  options: { readonly dryRun: boolean; readonly limit: number; readonly links: Links },
): z.output<typeof replayPreviewSchema> {
  const { dryRun, limit, links } = options;
  const selected = deadLetters.slice(0, limit);
  return {
    dry_run: dryRun,
    matching: deadLetters.length,
    total: selected.length,
    jobs: selected
      .slice(0, MAX_LISTED)
      .map((deadLetter) =>
        deadLetterEntrySchema.parse({ ...deadLetter, status_url: links.status(deadLetter.job_id) }),
      ),
  };
}

function replayStatus(
  { plan, progress, end }: StoredReplay,
  links: Links,
): z.output<typeof replayStatusSchema> {
  const { jobs, reason } = progress;
  const counted = (state: ReplayedState) => jobs.filter((job) => job === state).length;
  const [completed, failed] = [counted('completed'), counted('failed')];
  return {
    replay_id: plan.replay_id,
    state: end?.state ?? 'running',
    total: plan.runs.length,
    replayed: counted('replayed') + completed + failed,
    completed,
    failed,
    skipped: counted('skipped'),
    remaining: counted('waiting'),
    ...(reason === null ? {} : { reason }),
    started_at: plan.started_at,
    ...(end && { finished_at: end.finished_at }),
    jobs: plan.runs.slice(0, MAX_LISTED).map(({ job_id, run }, index) => {
      const { [index]: state = 'waiting' } = jobs;
      const isOver = state === 'waiting' && end !== undefined;
      return { job_id, run: run + 1, state: isOver ? 'dead' : state, status_url: links.status(job_id) };
    }),
  };
}
