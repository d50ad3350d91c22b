import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { logOptions, tracingOptions } from '@image-pipeline/shared/common-config.ts';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { createHttpServer } from '@image-pipeline/shared/http/http-server.ts';
import { EventFollower } from '@image-pipeline/shared/jobs/event-follower.ts';
import { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { configuredBroker, configuredStore, whereStoreIs } from '@image-pipeline/shared/open-adapters.ts';
import { SnapshotCache } from '@image-pipeline/shared/snapshot-cache.ts';
import { createService, instanceName, type Service } from '@image-pipeline/shared/service.ts';
import { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { Turns } from '@image-pipeline/shared/turns.ts';
import { createApp } from './app.ts';
import { createAvailability } from './availability.ts';
import { Background, StoreOpener } from './background.ts';
import { apiLimits, type ApiConfig, type ApiLimits } from './config.ts';
import { createDeadLetterQueue } from './dead-letters/dead-letter-queue.ts';
import { createSlots } from './http/slots.ts';
import { EventPublisher } from './jobs/event-publisher.ts';
import { FollowedJobs } from './jobs/followed-jobs.ts';
import { createEstimateJob } from './jobs/estimate-job.ts';
import { createLinks } from './jobs/links.ts';
import { createUnlessUnavailable } from './jobs/unless-unavailable.ts';
import { createQueueSamplers, rememberLastSample } from './pipeline-status/queue-metrics.ts';
import { createRetention } from './retention/retention.ts';
import { createThumbnails } from './thumbnails/thumbnails.ts';
import { Admission } from './upload/admission.ts';
import { createUpload } from './upload/upload-route.ts';

/** Reads of the store that a response can do without. */
const OPTIONAL_READS = { timeoutMs: 400, maxConcurrent: 32 } as const;

/**
 * The API. It listens at once and connects to broker and store in the background, so that `/readyz` can say what
 * is missing and past jobs can be read in the meantime.
 */
export function createApi(config: ApiConfig, changes: Partial<ApiLimits> = {}): Service {
  const limits = { ...apiLimits, ...changes };
  const instance = instanceName('api');
  const log = createLogger('api', logOptions(config));
  const metrics = createMetrics('api');

  // Broker and store
  const store = configuredStore(config);
  const broker = configuredBroker(config, {
    name: instance,
    appId: 'api',
    confirmTimeoutMs: changes.confirmTimeoutMs,
    log,
  });
  const stopping = new AbortController();
  const storeWatch = new StoreWatch(store, log);
  const storeOpener = new StoreOpener(store, { where: whereStoreIs(config), signal: stopping.signal, log });

  // Jobs, from the event log
  const estimates = new JobEstimates();
  const followed = new FollowedJobs(config.JOBS_REMEMBERED, (view) => estimates.changed(view));
  const follower = new EventFollower({
    broker,
    service: 'api',
    instance,
    replay: changes.eventsReplayed,
    onEvent: (event) => {
      followed.apply(event);
      deadLetters.unrecorded.onEvent(event);
    },
    onReset: () => {
      followed.forget();
      estimates.forget();
    },
    log,
  });
  const eventPublisher = new EventPublisher(broker.publisher, log);
  /** Updates this replica's view at once, and that of the other replicas through the event log. */
  const onQueued = (request: JobRequest) => {
    followed.queued(request);
    eventPublisher.publish(queuedEvent(request));
  };

  // Work besides requests
  const deadLetters = createDeadLetterQueue({
    store,
    broker,
    followed,
    isCaughtUp: () => follower.isCaughtUp,
    metrics,
    onQueued,
    storeWatch,
    stopping: stopping.signal,
    unrecordedAfterMs: limits.unrecordedAfterMs,
    replayTimeoutMs: config.RETRY_DELAYS.reduce((sum, { delayMs }) => sum + delayMs, limits.replayTimeoutMs),
    log,
  });
  const { recorder, unrecorded, sweeper, replays } = deadLetters;
  const snapshots = new SnapshotCache({
    url: config.MONITORING_URL,
    timeoutMs: limits.monitoringTimeoutMs,
    ttlSeconds: config.STATUS_CACHE_TTL,
    store,
    log,
  });
  const availability = createAvailability({
    broker,
    store,
    isStoreOpen: () => storeOpener.isOpen,
    storeWatch,
    notConsumingBecause: () => recorder.notConsumingBecause ?? replays.notConsumingBecause,
    isCaughtUp: () => follower.isCaughtUp,
  });
  const retention = createRetention({
    store,
    retentionMs: config.RETENTION,
    webhookRetryDelays: config.WEBHOOK_RETRY_DELAYS,
    queues: broker.queues,
    longestDeliveryMs: limits.webhookDeliveryMs,
    instance,
    log,
  });
  const startRetention = async () => {
    // Jobs with open webhooks are kept until their queues can be inspected.
    await Promise.all([storeOpener.start(), broker.start()]);
    if (!stopping.signal.aborted) await retention.start();
  };
  const startBroker = async () => {
    await broker.start();
    await broker.removeRetiredQueues().catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'could not remove the queues of an earlier version');
    });
  };

  // Routes
  const links = createLinks(config.PUBLIC_API_URL, config.PUBLIC_NOTIFICATION_URL);
  const sources = {
    followed,
    store,
    unlessUnavailable: createUnlessUnavailable(OPTIONAL_READS),
    retentionMs: config.RETENTION,
  };
  const { waitingJobs, waitingJobsInTime, allQueues } = createQueueSamplers({
    ...config,
    inspect: (queue) => broker.queues.inspect(queue),
    onNew: (queueMetrics) => estimates.compare(queueMetrics.get(queueNames.process)),
  });
  const estimate = createEstimateJob(estimates, waitingJobsInTime);
  const admission = new Admission({
    maxQueueLength: config.MAX_QUEUE_LENGTH,
    queueMetrics: waitingJobs,
    estimates,
  });
  const app = createApp({
    config,
    limits,
    upload: createUpload({
      config,
      limits,
      admission,
      uploads: {
        store: storeWatch.watchWrites(store),
        publisher: broker.publisher,
        onAccepted: (request) => {
          admission.accepted();
          onQueued(request);
        },
        isKnown: (jobId) => followed.get(jobId) !== undefined,
        log,
      },
      links,
      metrics,
    }),
    jobs: {
      ...sources,
      estimate,
      links,
      isCaughtUp: () => follower.isCaughtUp,
      metrics,
      inDownloadSlot: createSlots({
        what: 'downloads',
        slots: limits.downloads,
        waitMs: limits.downloadWaitMs,
      }),
      downloadTurns: new Turns(),
      downloadRate: { minRate: limits.downloadMinRate, graceMs: limits.downloadGraceMs },
      stopping: stopping.signal,
    },
    ...createThumbnails({ config, limits, sources, estimate, metrics, log }),
    dlq: deadLetters,
    pipelineStatus: {
      snapshots,
      estimates,
      sampleQueue: rememberLastSample(queueNames.process, waitingJobsInTime),
      isUp: () => broker.unavailableBecause === undefined,
    },
    broker,
    queueMetrics: allQueues,
    availability,
    metrics,
    log,
  });

  // The server, and the order in which everything starts
  const server = createHttpServer(app, {
    host: config.LISTEN_HOST,
    port: config.API_PORT,
    portsToTry: 1,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    headersTimeoutMs: limits.headersTimeoutMs,
    // An upload may also wait for a slot; its own timeouts are shorter.
    requestTimeoutMs: limits.requestTimeoutMs + limits.uploadWaitMs,
    drainTimeoutMs: config.STOP_TIMEOUT_MS / 2,
  });
  // The application sends "100 Continue" itself, when it is ready to read the body.
  server.server.on('checkContinue', app);
  const background = new Background(stopping.signal);
  return createService({
    broker,
    server,
    failed: background.failed,
    stopping,
    stopDeadlineMs: config.STOP_TIMEOUT_MS,
    tracing: { service: 'api', instance, ...tracingOptions(config), log },
    steps: [
      background.step('store', storeOpener),
      background.step('store watch', storeWatch),
      background.step('broker', { start: startBroker, stop: () => broker.stop() }),
      background.step('event log', follower),
      background.step('DLQ recorder', recorder),
      { name: 'unrecorded failures', start: () => unrecorded.start(), stop: () => unrecorded.stop() },
      { name: 'sweeper', start: () => sweeper.start(), stop: () => sweeper.stop() },
      ...(config.RETENTION === Infinity
        ? []
        : [background.step('retention', { start: startRetention, stop: () => retention.stop() })]),
      { name: 'event publisher', stop: () => eventPublisher.stop(config.STOP_TIMEOUT_MS / 4) },
      background.step('replays', replays),
      { name: 'snapshots', start: () => snapshots.start(), stop: () => snapshots.stop() },
      { name: 'http server', start: () => server.start(), stop: () => server.stop() },
    ],
    onStarted: (port) => log.info({ port }, 'listening'),
  });
}
