import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { buildTopology, queueNames, retryQueueName } from '@image-pipeline/shared/broker/topology.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { EventFollower } from '@image-pipeline/shared/jobs/event-follower.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import type { RequestHandler } from 'express';
import { Admission } from './admission.ts';
import type { ApiConfig } from './config.ts';
import type { DeadLetterQueue } from './dead-letters/dead-letter-queue.ts';
import { createEstimateJob } from './estimates/estimate-job.ts';
import type { JobEstimates } from './estimates/job-estimates.ts';
import type { FollowedJobs } from './followed-jobs.ts';
import { deadLetterListRoute, deadLetterStatsRoute } from './http/dead-letter-routes.ts';
import { docsRoute } from './http/docs-routes.ts';
import { formLimits } from './http/form-limits.ts';
import { livenessRoute, metricsRoute, readinessRoute } from './http/health-routes.ts';
import { imageRoute } from './http/image-route.ts';
import { jobsRoute } from './http/jobs-route.ts';
import { jsonBody } from './http/json-body.ts';
import {
  cacheStateRoute,
  queueStatusRoute,
  serverStatusRoute,
  type PipelineStatusDeps,
} from './http/pipeline-status-routes.ts';
import { queueStatsRoute } from './http/queue-stats-route.ts';
import { removalRoute } from './http/removal-route.ts';
import { replayRoute, replayStatusRoute } from './http/replay-routes.ts';
import { requireToken } from './http/require-token.ts';
import { statusRoute } from './http/status-route.ts';
import { thumbnailRoute } from './http/thumbnail-route.ts';
import { guardUpload } from './http/upload-guards.ts';
import { uploadRoute } from './http/upload-route.ts';
import { createLinks } from './links.ts';
import { createOpenapiDocument } from './openapi/document.ts';
import type { Route } from './openapi/operations.ts';
import { createQueueLook } from './pipeline-status/queue-look.ts';
import type { SnapshotCache } from './pipeline-status/snapshot-cache.ts';
import { createQueueFigures, withoutWaiting } from './queue-figures.ts';
import { notReadyBecause } from './readiness.ts';
import { readStatus } from './read-status.ts';
import type { TempFolder } from './temp-folder.ts';
import { Thumbnails } from './thumbnails/thumbnails.ts';
import { createUnlessAway } from './unless-away.ts';

/** How old the queues' figures may be, and how long the broker may take for them. */
const QUEUE_FIGURES = { maxAgeMs: 1_000, timeoutMs: 1_000 } as const;

/** How long those wait for figures who can do without them, so that no status takes a second, in milliseconds. */
const FIGURES_WORTH_MS = 400;

/** Of a body in JSON; a thousand ids are some 40 kB. */
const MAX_BODY_BYTES = 128 * 1024;

/** Of the store, by those who have something to tell without it. */
const HURRIED_READS = { patienceMs: 400, atOnce: 32 } as const;

export interface RoutesDeps {
  readonly config: ApiConfig;
  readonly store: ObjectStore;
  readonly broker: Broker;
  readonly followed: FollowedJobs;
  readonly estimates: JobEstimates;
  readonly follower: EventFollower;
  /** Tells everybody of a run that was queued. */
  readonly onQueued: (request: JobRequest) => void;
  readonly tempFolder: TempFolder;
  readonly deadLetters: DeadLetterQueue;
  readonly snapshots: SnapshotCache;
  /** Why no job can be accepted right now, or undefined. */
  readonly refuseBecause: () => PipelineError | undefined;
  /** Aborts when the service stops: answers that are held are given then. */
  readonly stopping: AbortSignal;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** What answers each call of the OpenAPI document: its guards, and last the call itself. */
export function createRoutes(deps: RoutesDeps): Record<Route, readonly RequestHandler[]> {
  const { config, store, broker, followed, follower, refuseBecause, metrics, log } = deps;
  const links = createLinks(config.PUBLIC_API_URL, config.PUBLIC_NOTIFICATION_URL);
  const document = JSON.stringify(createOpenapiDocument(config.PUBLIC_API_URL));
  const isCaughtUp = () => follower.isCaughtUp;
  const { letters, replays, replayRecords, sweeper } = deps.deadLetters;
  const token = requireToken(config.API_TOKEN);
  const tokenInProduction = config.NODE_ENV === 'production' ? [token] : [];
  const sources = { followed, store, unlessAway: createUnlessAway(HURRIED_READS) };
  const readState = async (jobId: string) => (await readStatus(jobId, sources)).state;
  const inspect = (queue: string) => broker.queues.inspect(queue);
  const waitingJobs = createQueueFigures({
    queues: queuesOfWaitingJobs(config),
    inspect,
    onNew: (figures) => deps.estimates.compare(figures.get(queueNames.process)),
    ...QUEUE_FIGURES,
  });
  const waitingJobsSoon = withoutWaiting(waitingJobs, FIGURES_WORTH_MS);
  const allFigures = createQueueFigures({ queues: allQueues(config), inspect, ...QUEUE_FIGURES });
  const estimate = createEstimateJob(deps.estimates, waitingJobsSoon);
  const admission = new Admission({
    maxQueueLength: config.MAX_QUEUE_LENGTH,
    figures: waitingJobs,
    estimates: deps.estimates,
  });
  const line = new RequestQueue({
    maxConcurrent: config.UPSTREAM_MAX_CONCURRENT,
    minInterval: config.UPSTREAM_MIN_INTERVAL,
  });
  const thumbnails = new Thumbnails({
    sources,
    estimate,
    line,
    ttl: config.THUMBNAIL_CACHE_TTL,
    maxBytes: 32 * 1024 * 1024,
    timeoutMs: config.THUMBNAIL_TIMEOUT_MS,
  });
  const pipelineStatus: PipelineStatusDeps = {
    snapshots: deps.snapshots,
    estimates: deps.estimates,
    lookAtQueue: createQueueLook(queueNames.process, waitingJobsSoon),
    isUp: () => broker.unavailableBecause === undefined,
  };
  return {
    'POST /upload': guardUpload(
      uploadRoute({
        limits: formLimits({ fileBytes: config.MAX_FILE_BYTES, files: config.MAX_FILES }),
        callbacks: { isSetUp: config.WEBHOOK_SECRET.length > 0, allowed: config.WEBHOOK_ALLOWED_HOSTS },
        tempFolder: deps.tempFolder,
        admission,
        uploads: {
          store,
          publish: (message) => broker.publisher.publish(message),
          onAccepted: (request) => {
            admission.accepted();
            deps.onQueued(request);
          },
          isKnown: (jobId) => followed.get(jobId) !== undefined,
          log,
        },
        links,
        metrics,
      }),
      {
        ratePerMinute: config.RATE_LIMIT_PER_MINUTE,
        slots: config.UPLOADS_IN_FLIGHT,
        refuseBecause,
      },
    ),
    'GET /status/{job_id}': [statusRoute({ ...sources, estimate, links, stopping: deps.stopping })],
    'GET /jobs': [...tokenInProduction, jobsRoute({ followed, isCaughtUp, links })],
    'GET /results/{job_id}': [imageRoute('result', { ...sources, estimate })],
    'GET /originals/{job_id}': [imageRoute('original', { ...sources, estimate })],
    'GET /thumbnail/{job_id}': [thumbnailRoute(thumbnails)],
    'GET /dlq/stats': [...tokenInProduction, deadLetterStatsRoute(letters)],
    'GET /dlq/messages': [...tokenInProduction, deadLetterListRoute(letters, links)],
    'DELETE /dlq/messages': [
      token,
      removalRoute({ letters, store, readState, sweep: (removed) => sweeper.request(removed) }),
    ],
    'POST /dlq/replay': [
      token,
      jsonBody(MAX_BODY_BYTES),
      replayRoute({ letters, readState, replays, refuseBecause, links }),
    ],
    'GET /dlq/replays/{replay_id}': [...tokenInProduction, replayStatusRoute(replayRecords, links)],
    'GET /api/v1/queue/stats': [queueStatsRoute(line, thumbnails)],
    'GET /server/status': [serverStatusRoute(pipelineStatus)],
    'GET /server/status/debug': [cacheStateRoute(pipelineStatus)],
    'GET /queue/status': [token, queueStatusRoute(pipelineStatus)],
    'GET /livez': [livenessRoute],
    'GET /readyz': [readinessRoute(() => notReadyBecause({ refuseBecause, isCaughtUp, store }))],
    'GET /metrics': [metricsRoute(metrics, withoutWaiting(allFigures, FIGURES_WORTH_MS))],
    'GET /openapi.json': [(_request, response) => void response.type('json').send(document)],
    'GET /docs': [docsRoute],
    'GET /': [(_request, response) => response.redirect('/docs')],
  };
}

function queuesOfWaitingJobs({ RETRY_LADDER }: ApiConfig): readonly string[] {
  return [queueNames.process, ...RETRY_LADDER.map(retryQueueName)];
}

function allQueues(config: ApiConfig): readonly string[] {
  const topology = buildTopology({ jobs: config.RETRY_LADDER, webhooks: config.WEBHOOK_RETRY_LADDER });
  // A passive look at a stream tells neither what is in it nor who reads it.
  const queues = topology.queues.filter((queue) => queue.arguments['x-queue-type'] !== 'stream');
  return queues.map(({ name }) => name);
}
