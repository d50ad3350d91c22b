import {
  buildTopology,
  countableQueues,
  queueNames,
  retryQueueName,
} from '@image-pipeline/shared/broker/topology.ts';
import { logOptions, tracingOptions } from '@image-pipeline/shared/common-config.ts';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { messageOf, PipelineError, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { createHttpServer } from '@image-pipeline/shared/http/http-server.ts';
import { EventFollower } from '@image-pipeline/shared/jobs/event-follower.ts';
import { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { configuredBroker, configuredStore, whereStoreIs } from '@image-pipeline/shared/open-adapters.ts';
import { memoryLimit } from '@image-pipeline/shared/memory-limit.ts';
import { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { SnapshotCache } from '@image-pipeline/shared/snapshot-cache.ts';
import { createService, instanceName, type Service } from '@image-pipeline/shared/service.ts';
import { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { startStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { createApp } from './app.ts';
import { apiLimits, type ApiConfig, type ApiLimits } from './config.ts';
import { createDeadLetterQueue } from './dead-letters/dead-letter-queue.ts';
import { createSlots } from './http/slots.ts';
import { EventPublisher } from './jobs/event-publisher.ts';
import { FollowedJobs } from './jobs/followed-jobs.ts';
import { createEstimateJob } from './jobs/estimate-job.ts';
import { createLinks } from './jobs/links.ts';
import { createUnlessUnavailable } from './jobs/unless-unavailable.ts';
import { createQueueSampler, rememberLastSample, withTimeout } from './pipeline-status/queue-metrics.ts';
import { createRetention } from './retention/retention.ts';
import { Thumbnails } from './thumbnails/thumbnails.ts';
import { Admission } from './upload/admission.ts';
import { formLimits } from './upload/form-limits.ts';
import { uploadCapacity, UploadSpace } from './upload/upload-space.ts';

const MIB = 1024 * 1024;

/** Maximum age of the queue metrics, and the timeout for reading them from the broker. */
const QUEUE_SAMPLING = { maxAgeMs: 1_000, timeoutMs: 1_000 } as const;

/** Timeout (ms) for queue metrics where they are optional, so that every status responds within a second. */
const SAMPLE_TIMEOUT_MS = 400;

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
  const store = configuredStore(config);
  const broker = configuredBroker(config, {
    name: instance,
    appId: 'api',
    confirmTimeoutMs: changes.confirmTimeoutMs,
    log,
  });
  const stopping = new AbortController();
  const storeWatch = new StoreWatch(store, log);
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
  /** Updates this replica's view at once, and everybody else's through the event log. */
  const onQueued = (request: JobRequest) => {
    followed.queued(request);
    eventPublisher.publish(queuedEvent(request));
  };
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
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();

  let isStoreOpen = false;
  let opening: Promise<void> | undefined;
  const openStore = () => {
    opening = startStore(store, { where: whereStoreIs(config), signal: stopping.signal, log }).then(() => {
      isStoreOpen = true;
    });
    return opening;
  };
  /** Waits for the check of the store, which would go on writing. */
  const closeStore = async () => {
    await opening?.catch(() => undefined);
    await store.stop();
  };
  const whyUnavailable = () => {
    const reason = broker.unavailableBecause;
    if (reason !== undefined) return new PipelineError('broker_unavailable', reason);
    return isStoreOpen ? undefined : new StoreUnavailable('The object store has not responded yet.');
  };
  const whyIncomplete = () => {
    const refusal = whyUnavailable();
    if (refusal !== undefined) return refusal;
    const missing = storeWatch.unavailableBecause;
    if (missing !== undefined) return new StoreUnavailable(missing);
    const reason = recorder.notConsumingBecause ?? replays.notConsumingBecause;
    return reason === undefined ? undefined : new PipelineError('broker_unavailable', reason);
  };
  const retention = createRetention({ store, retentionMs: config.RETENTION, instance, log });
  const startRetention = async () => {
    await opening;
    if (!stopping.signal.aborted) await retention.start();
  };
  const inBackground = (start: () => Promise<void>) => {
    start().catch((error: unknown) => {
      if (!stopping.signal.aborted) fail(error instanceof Error ? error : new Error(String(error)));
    });
  };

  const startBroker = async () => {
    await broker.start();
    await broker.removeRetiredQueues().catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'could not remove the queues of an earlier version');
    });
  };

  const links = createLinks(config.PUBLIC_API_URL, config.PUBLIC_NOTIFICATION_URL);
  const sources = {
    followed,
    store,
    unlessUnavailable: createUnlessUnavailable(OPTIONAL_READS),
    retentionMs: config.RETENTION,
  };
  const inspect = (queue: string) => broker.queues.inspect(queue);
  const waitingJobs = createQueueSampler({
    queues: [queueNames.process, ...config.RETRY_DELAYS.map(retryQueueName)],
    inspect,
    onNew: (queueMetrics) => estimates.compare(queueMetrics.get(queueNames.process)),
    ...QUEUE_SAMPLING,
  });
  const waitingJobsInTime = withTimeout(waitingJobs, SAMPLE_TIMEOUT_MS);
  const topology = buildTopology({ jobs: config.RETRY_DELAYS, webhooks: config.WEBHOOK_RETRY_DELAYS });
  const allQueues = createQueueSampler({ queues: countableQueues(topology), inspect, ...QUEUE_SAMPLING });
  const estimate = createEstimateJob(estimates, waitingJobsInTime);
  const admission = new Admission({
    maxQueueLength: config.MAX_QUEUE_LENGTH,
    queueMetrics: waitingJobs,
    estimates,
  });
  const thumbnailQueue = new RequestQueue({
    maxConcurrent: config.UPSTREAM_MAX_CONCURRENT,
    minInterval: config.UPSTREAM_MIN_INTERVAL,
    report: { name: 'thumbnails', metrics, log },
  });
  const memory = memoryLimit();
  const capacity = uploadCapacity(config, memory);
  if (capacity.slots < config.UPLOADS_IN_FLIGHT) {
    const limit = `${Math.round(memory.bytes / MIB)} MiB of memory`;
    log.warn(
      `concurrent uploads limited to ${capacity.slots} instead of UPLOADS_IN_FLIGHT=${config.UPLOADS_IN_FLIGHT}: ${limit} is too little for files of up to ${config.MAX_FILE_BYTES} bytes (MAX_FILE_BYTES)`,
    );
  }
  const app = createApp({
    config,
    upload: {
      limits: formLimits(config, limits),
      callbacks: { isSetUp: config.WEBHOOK_SECRET.length > 0, allowed: config.WEBHOOK_ALLOWED_HOSTS },
      maxEstimatedSeconds: config.MAX_ESTIMATED_SECONDS,
      space: new UploadSpace(capacity),
      inUploadSlot: createSlots({
        what: 'uploads',
        slots: capacity.slots,
        waitMs: limits.uploadWaitMs,
      }),
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
    },
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
      downloadRate: { minRate: limits.downloadMinRate, graceMs: limits.downloadGraceMs },
      stopping: stopping.signal,
    },
    thumbnails: new Thumbnails({
      sources,
      estimate,
      queue: thumbnailQueue,
      lookUps: new RequestQueue({ maxConcurrent: config.UPSTREAM_MAX_CONCURRENT, minInterval: 0 }),
      ttl: limits.thumbnailTtlSeconds,
      maxBytes: 32 * 1024 * 1024,
      timeoutMs: limits.thumbnailTimeoutMs,
      metrics,
    }),
    thumbnailQueue,
    dlq: deadLetters,
    pipelineStatus: {
      snapshots,
      estimates,
      sampleQueue: rememberLastSample(queueNames.process, waitingJobsInTime),
      isUp: () => broker.unavailableBecause === undefined,
    },
    broker,
    queueMetrics: withTimeout(allQueues, SAMPLE_TIMEOUT_MS),
    whyUnavailable,
    whyIncomplete,
    metrics,
    log,
  });
  const server = createHttpServer(app, {
    host: config.LISTEN_HOST,
    port: config.API_PORT,
    portsToTry: 1,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    headersTimeoutMs: limits.headersTimeoutMs,
    // An upload may also wait in line; its own timeouts are shorter.
    requestTimeoutMs: limits.requestTimeoutMs + limits.uploadWaitMs,
    drainTimeoutMs: config.STOP_TIMEOUT_MS / 2,
  });
  // The application sends "100 Continue" itself once it wants the body.
  server.server.on('checkContinue', app);
  return createService({
    broker,
    server,
    failed,
    stopping,
    stopDeadlineMs: config.STOP_TIMEOUT_MS,
    tracing: { service: 'api', instance, ...tracingOptions(config), log },
    steps: [
      { name: 'store', start: () => inBackground(openStore), stop: closeStore },
      {
        name: 'store watch',
        start: () => inBackground(() => storeWatch.start()),
        stop: () => storeWatch.stop(),
      },
      { name: 'broker', start: () => inBackground(startBroker), stop: () => broker.stop() },
      { name: 'event log', start: () => inBackground(() => follower.start()), stop: () => follower.stop() },
      {
        name: 'DLQ recorder',
        start: () => inBackground(() => recorder.start()),
        stop: () => recorder.stop(),
      },
      { name: 'unrecorded failures', start: () => unrecorded.start(), stop: () => unrecorded.stop() },
      { name: 'sweeper', start: () => sweeper.start(), stop: () => sweeper.stop() },
      ...(config.RETENTION === Infinity
        ? []
        : [{ name: 'retention', start: () => inBackground(startRetention), stop: () => retention.stop() }]),
      { name: 'event publisher', stop: () => eventPublisher.stop(config.STOP_TIMEOUT_MS / 4) },
      { name: 'replays', start: () => inBackground(() => replays.start()), stop: () => replays.stop() },
      { name: 'snapshots', start: () => snapshots.start(), stop: () => snapshots.stop() },
      { name: 'http server', start: () => server.start(), stop: () => server.stop() },
    ],
    onStarted: (port) => log.info({ port }, 'listening'),
  });
}
