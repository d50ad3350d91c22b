import { createHash } from 'node:crypto';
import { InvalidKey, isSegment } from './object-key.ts';

/**
 * The keys of all objects in the store, and who writes them. All functions throw InvalidKey if an id or an extension is
 * not a valid segment of a key.
 */

/** The uploaded file. Written by api before it publishes the job; never changed. */
export const originalKey = (jobId: string): string => key`originals/${jobId}`;

/**
 * The jobs of an idempotency key. Written by api, put-if-absent. The key is text of the client, so the name is its digest.
 */
export const idempotencyKey = (clientKey: string): string =>
  key`idempotency/${createHash('sha256').update(clientKey).digest('hex')}.json`;

export const idempotencyPrefix = 'idempotency/';

export const jobsPrefix = 'jobs/';

/** All records of a job, without its images. */
export const jobPrefix = (jobId: string): string => key`jobs/${jobId}/`;

/** The runs of a job, with the request and outcome of each. */
export const runsPrefix = (jobId: string): string => key`jobs/${jobId}/runs/`;

/** The request of a run. Written by api, put-if-absent. */
export const requestKey = (jobId: string, run: number): string => key`jobs/${jobId}/runs/${run}/request.json`;

/** The outcome of a run. Written by a worker or the DLQ recorder, put-if-absent: the first one wins. */
export const outcomeKey = (jobId: string, run: number): string => key`jobs/${jobId}/runs/${run}/outcome.json`;

/**
 * The result of an attempt. Written by the worker; each attempt has its own key, so that a late one overwrites nothing.
 * @param extension without the dot, e.g. `png`
 */
export const resultKey = (jobId: string, attemptId: string, extension: string): string =>
  key`results/${jobId}/${attemptId}.${extension}`;

export const thumbnailKey = (jobId: string, attemptId: string): string =>
  key`thumbnails/${jobId}/${attemptId}.jpg`;

/** The results of all attempts. */
export const resultsPrefix = (jobId: string): string => key`results/${jobId}/`;
export const thumbnailsPrefix = (jobId: string): string => key`thumbnails/${jobId}/`;

/** The images of all jobs. */
export const imagePrefixes = ['originals/', 'results/', 'thumbnails/'] as const;

/** A dead-lettered run, and the reason. Written by the DLQ recorder, put-if-absent; its state is updated later. */
export const deadKey = (jobId: string, run: number): string => key`dead/${jobId}/${run}.json`;
export const deadPrefix = 'dead/';
export const deadOfJobPrefix = (jobId: string): string => key`dead/${jobId}/`;

/** The runs of a replay. Written by api, put-if-absent, before the replay starts. */
export const replayPlanKey = (replayId: string): string => key`replays/${replayId}/plan.json`;

export const replaysPrefix = 'replays/';

/** The end of a replay. Written by api, put-if-absent: the first one wins. */
export const replayEndKey = (replayId: string): string => key`replays/${replayId}/end.json`;

/** The progress of a running replay. Updated by the api replica that runs it; removed at the end. */
export const openReplayKey = (replayId: string): string => key`open-replays/${replayId}.json`;
export const openReplaysPrefix = 'open-replays/';

/**
 * One attempt to deliver a webhook. Written by notification.
 * @param delivery its number, from 1
 */
export const webhookKey = (jobId: string, delivery: number): string =>
  key`jobs/${jobId}/webhooks/${delivery}.json`;
export const webhooksPrefix = (jobId: string): string => key`jobs/${jobId}/webhooks/`;

/** Peaks and totals, with the stream offset up to which they count. Written by monitoring. */
export const monitoringStateKey = 'state/monitoring.json';

/**
 * Which replica of api removes old jobs. Written by api, put-if-absent.
 * @param turn digits that sort by time
 */
export const retentionTurnKey = (turn: string): string => key`retention/${turn}.json`;
export const retentionTurnsPrefix = 'retention/';

/** The newest snapshot that is complete, for services that start while monitoring is unavailable. Written by monitoring. */
export const snapshotKey = 'state/snapshot.json';

/** Objects that prove put-if-absent when a service starts. Written and removed by every service. */
export const probeKey = (id: string): string => key`probe/${id}`;
export const probePrefix = 'probe/';

/**
 * Need not exist: only whether the store responds matters, and a missing bucket or folder is an error. After a store has
 * refused a write, it is written and removed by every service.
 */
export const readinessKey = 'state/readiness';

/** A template for keys: each value must be one segment, so that an id cannot reach the objects of another one. */
function key(texts: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw(texts, ...values.map((value) => segmentPart(String(value))));
}

function segmentPart(value: string): string {
  if (!isSegment(value)) throw new InvalidKey('cannot be part of an object key', value);
  return value;
}
