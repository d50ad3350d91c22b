import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { replayPreview, replayStatus, type replayBegunSchema } from './replay-responses.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { ReadState } from './find-dead-letters.ts';
import { chooseReplays } from './choose-replays.ts';
import { parseReplayOrder } from './replay-request.ts';
import type { ReplayRecords } from './replay-records.ts';
import type { Replays } from './replays.ts';
import type { Links } from '../jobs/links.ts';

export interface ReplayRouteDeps {
  readonly letters: Pick<DeadLetters, 'records'>;
  readonly readState: ReadState;
  readonly replays: Pick<Replays, 'begin'>;
  /** Why no job can be accepted right now, or undefined. */
  readonly refuseBecause: () => PipelineError | undefined;
  readonly links: Links;
}

/** `POST /dlq/replay`: choose, then begin to work off a snapshot of what was chosen. */
export function replayRoute(deps: ReplayRouteDeps): RequestHandler {
  const { letters, readState, replays, refuseBecause, links } = deps;
  return async (request, response) => {
    const { selection, dryRun, limit } = parseReplayOrder(request.body);
    const chosen = await chooseReplays(selection, await letters.records(), readState);
    response.setHeader('Cache-Control', 'no-store');
    if (dryRun || chosen.length === 0) {
      response.json(replayPreview(chosen, { dryRun, limit, links }));
      return;
    }
    const refusal = refuseBecause();
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

/** `GET /dlq/replays/{replay_id}`: how far it is, whichever replica carries it out. */
export function replayStatusRoute(records: Pick<ReplayRecords, 'find'>, links: Links): RequestHandler {
  return async (request, response) => {
    const id = z.uuid().safeParse(request.params['replay_id']).data?.toLowerCase();
    const replay = id === undefined ? undefined : await records.find(id);
    if (replay === undefined) throw new PipelineError('not_found', 'There is no replay with this id.');
    response.setHeader('Cache-Control', 'no-store');
    response.json(replayStatus(replay, links));
  };
}
