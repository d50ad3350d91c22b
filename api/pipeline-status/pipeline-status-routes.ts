import { withinDeadline } from '@image-pipeline/shared/waiting.ts';
import type { RequestHandler } from 'express';
import type { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import type { QueueSample } from './queue-metrics.ts';
import { type QueueStatus, queueStatus, queueStatusAge } from './queue-status.ts';
import { type CacheState, cacheState, type ServerStatus, serverStatus } from './server-status.ts';
import type { SnapshotCache } from '@image-pipeline/shared/snapshot-cache.ts';

/** Timeout (ms) for the first snapshot of monitoring; see also SAMPLE_TIMEOUT_MS. */
const FIRST_SNAPSHOT_TIMEOUT_MS = 400;

export interface PipelineStatusDeps {
  readonly snapshots: Pick<SnapshotCache, 'known' | 'firstRefresh' | 'ttlSeconds'>;
  /** Samples the job queue itself, as a fallback. Does not reject. */
  readonly sampleQueue: () => Promise<QueueSample | undefined>;
  readonly estimates: Pick<JobEstimates, 'secondsFor'>;
  /** Whether a job could be published right now. */
  readonly isUp: () => boolean;
}

/** `GET /server/status`: a summary from memory, also during outages. */
export function serverStatusRoute({ snapshots, sampleQueue, isUp }: PipelineStatusDeps): RequestHandler {
  return async (_request, response) => {
    const known = await knownOnce(snapshots, 'management');
    const sample = known === undefined ? await sampleQueue() : undefined;
    response.setHeader('Cache-Control', 'no-store');
    response.json(serverStatus({ known, sample, isUp: isUp() }) satisfies ServerStatus);
  };
}

/** `GET /server/status/debug`: the state of that cache. */
export function cacheStateRoute({ snapshots }: Pick<PipelineStatusDeps, 'snapshots'>): RequestHandler {
  return (_request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    response.json(cacheState(snapshots.known('management'), snapshots.ttlSeconds) satisfies CacheState);
  };
}

/** `GET /queue/status`: also from memory; `Age` is the age of the oldest data. */
export function queueStatusRoute(deps: PipelineStatusDeps): RequestHandler {
  const { snapshots, sampleQueue, estimates, isUp } = deps;
  return async (_request, response) => {
    const events = await knownOnce(snapshots, 'events');
    const metrics = {
      events,
      management: snapshots.known('management'),
      sample: events === undefined ? await sampleQueue() : undefined,
    };
    const age = queueStatusAge(metrics);
    if (age !== undefined) response.setHeader('Age', Math.floor(age));
    response.setHeader('Cache-Control', 'no-store');
    response.json(queueStatus({ ...metrics, isUp: isUp() }, estimates) satisfies QueueStatus);
  };
}

async function knownOnce(
  snapshots: PipelineStatusDeps['snapshots'],
  source: Parameters<SnapshotCache['known']>[0],
): Promise<ReturnType<SnapshotCache['known']>> {
  const known = snapshots.known(source);
  if (known !== undefined) return known;
  await withinDeadline(FIRST_SNAPSHOT_TIMEOUT_MS, () => snapshots.firstRefresh).catch(() => undefined);
  return snapshots.known(source);
}
