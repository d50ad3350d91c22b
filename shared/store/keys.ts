import { createHash } from 'node:crypto';
import { InvalidKey, isSegment } from './object-key.ts';

/**
 * Where everything lies in the object store, and who writes it. All of these throw InvalidKey where an id or an
 * extension is not one segment of a key.
 */

/** The bytes that were uploaded; api, before the job is published, never changed. */
export const originalKey = (jobId: string): string => key`originals/${jobId}`;

/**
 * Which jobs an idempotency key stands for; api, put-if-absent. The key is the client's text, so only its digest is a
 * name.
 */
export const idempotencyKey = (clientKey: string): string =>
  key`idempotency/${createHash('sha256').update(clientKey).digest('hex')}.json`;

/** All that is known of a job apart from its images. */
export const jobPrefix = (jobId: string): string => key`jobs/${jobId}/`;

/** The runs of a job, with the request and outcome of each. */
export const runsPrefix = (jobId: string): string => key`jobs/${jobId}/runs/`;

/** What a run was asked to do; api, put-if-absent. */
export const requestKey = (jobId: string, run: number): string => key`jobs/${jobId}/runs/${run}/request.json`;

/** How a run ended; worker or burial recorder, put-if-absent: the first one stays for ever. */
export const outcomeKey = (jobId: string, run: number): string => key`jobs/${jobId}/runs/${run}/outcome.json`;

/**
 * An image that an attempt made; worker, a key of its own each attempt, so that a late one overwrites nothing.
 * @param extension without the dot, e.g. `png`
 */
export const resultKey = (jobId: string, attemptId: string, extension: string): string =>
  key`results/${jobId}/${attemptId}.${extension}`;

export const thumbnailKey = (jobId: string, attemptId: string): string =>
  key`thumbnails/${jobId}/${attemptId}.jpg`;

/** What every attempt left. */
export const resultsPrefix = (jobId: string): string => key`results/${jobId}/`;
export const thumbnailsPrefix = (jobId: string): string => key`thumbnails/${jobId}/`;

/** A run that the broker dead-lettered, and why; burial recorder, put-if-absent, later marked. */
export const deadKey = (jobId: string, run: number): string => key`dead/${jobId}/${run}.json`;
export const deadPrefix = 'dead/';

/** Which dead runs a replay takes up; api, put-if-absent, before anything of it is done. */
export const replayPlanKey = (replayId: string): string => key`replays/${replayId}/plan.json`;

/** How a replay ended; api, put-if-absent: the first end stays. */
export const replayEndKey = (replayId: string): string => key`replays/${replayId}/end.json`;

/** How far a replay is that has not ended; the api replica that runs it, over and over. Removed after the end. */
export const openReplayKey = (replayId: string): string => key`open-replays/${replayId}.json`;
export const openReplaysPrefix = 'open-replays/';

/**
 * One attempt to deliver a webhook; notification.
 * @param delivery its number, from 1
 */
export const webhookKey = (jobId: string, delivery: number): string =>
  key`jobs/${jobId}/webhooks/${delivery}.json`;
export const webhooksPrefix = (jobId: string): string => key`jobs/${jobId}/webhooks/`;

/** Peaks and totals; monitoring, with the stream offset that they count up to. */
export const monitoringStateKey = 'state/monitoring.json';

/** A template for keys: each value must stay within its segment, so that no id can reach another's objects. */
function key(texts: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw(texts, ...values.map((value) => segmentPart(String(value))));
}

function segmentPart(value: string): string {
  if (!isSegment(value)) throw new InvalidKey('cannot be part of an object key', value);
  return value;
}
