import { logOptions, tracingOptions } from '@image-pipeline/shared/common-config.ts';
import { handshakeQuerySchema, MAX_SUBSCRIPTIONS } from '@image-pipeline/shared/contracts/websocket.ts';
import { errorCodes, PipelineError } from '@image-pipeline/shared/errors.ts';
import { hostsOf } from '@image-pipeline/shared/http/allowed-hosts.ts';
import { createServiceServer } from '@image-pipeline/shared/http/service-server.ts';
import { EventFollower } from '@image-pipeline/shared/jobs/event-follower.ts';
import { findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { configuredBroker, configuredStore, whereStoreIs } from '@image-pipeline/shared/open-adapters.ts';
import { createService, instanceName, type Service } from '@image-pipeline/shared/service.ts';
import { SnapshotCache } from '@image-pipeline/shared/snapshot-cache.ts';
import { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { startStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import type { NotificationConfig } from './config.ts';
import { EventRing } from './websocket/event-ring.ts';
import { Notifier } from './notifier.ts';
import { PipelineStatus } from './websocket/pipeline-status.ts';
import { ReportingWorkers } from './websocket/reporting-workers.ts';
import { SOCKET_PATH } from './websocket/admission.ts';
import { StoredJobs } from './websocket/job-subscription.ts';
import { SocketServer } from './websocket/socket-server.ts';
import { receiverResolver, type Resolve } from './webhooks/resolve-receiver.ts';
import { Webhooks } from './webhooks/webhooks.ts';

/** Limits that are no settings; tests change some. */
const notificationLimits = {
  /** Jobs per connection. */
  maxSubscriptions: MAX_SUBSCRIPTIONS,
  /** Jobs of all connections, about 4 KiB each, besides the first few of each; one address may have half of them. */
  maxTotalSubscriptions: 40_000,
  /** Of a message from a client, in bytes; a larger one closes the connection (1009). */
  maxMessageBytes: 16 * 1024,
  /** Bytes that a client has not read; more closes the connection (1013). */
  maxBufferedBytes: 1024 * 1024,
  pingIntervalMs: 30_000,
};

export type NotificationOptions = typeof notificationLimits & {
  /** Newest events kept for clients that reconnect. Default: JOBS_REMEMBERED. */
  readonly eventsResumable: number;
  /** Resolves the host names of webhook receivers. */
  readonly resolve: Resolve;
  /** Concurrent webhooks, and those to one receiver. */
  readonly webhooksInFlight: number;
  readonly webhooksPerHost: number;
  /** How long the end of a job may have no attempt to deliver its webhook, in milliseconds. */
  readonly webhookLostAfterMs: number;
};

/** For a fetch of monitoring's snapshot, and its maximum age where monitoring's interval is shorter. */
const SNAPSHOT_TIMEOUT_MS = 2_000;
const SNAPSHOT_TTL_S = 15;
/** Maximum concurrent reads of jobs from the store. */
const LOOKUPS = 16;
/** Connections for health checks and metrics, in addition to the WebSockets, and those of one address. */
const OTHER_CONNECTIONS = 100;
const OTHERS_PER_ADDRESS = 50;

/**
 * The notification service: follows the event log and notifies WebSocket clients; consumes the ends of jobs and
 * delivers webhooks.
 */
export function createNotification(
  config: NotificationConfig,
  options: Partial<NotificationOptions> = {},
): Service {
  const { maxSubscriptions, maxTotalSubscriptions, maxMessageBytes, maxBufferedBytes, pingIntervalMs } = {
    ...notificationLimits,
    ...options,
  };
  const instance = instanceName('notification');
  const log = createLogger(instance, logOptions(config));
  const metrics = createMetrics('notification');
  const store = configuredStore(config);
  const storeWatch = new StoreWatch(store, log);
  const broker = configuredBroker(config, { name: instance, appId: 'notification', log });
  const live = new LiveView(config.JOBS_REMEMBERED);
  const estimates = new JobEstimates();
  const notifier = new Notifier({
    live,
    estimates,
    ring: new EventRing(options.eventsResumable ?? config.JOBS_REMEMBERED),
    stored: new StoredJobs({ find: (jobId) => findStoredJob(store, jobId), concurrency: LOOKUPS, log }),
    hasReadAll: () => follower.hasReadAll,
    metrics,
  });
  const follower = new EventFollower({
    broker,
    service: 'notification',
    instance,
    onEvent: (event, offset) => {
      notifier.onEvent(event, offset);
      webhooks.onEvent(event);
    },
    onReset: () => {
      log.warn('the event log has a gap or was recreated; subscribers get the current state');
      notifier.onReset();
    },
    log,
  });
  const allowedHosts = [
    ...config.ALLOWED_HOSTS,
    ...hostsOf(config.PUBLIC_API_URL, config.PUBLIC_NOTIFICATION_URL, ...config.WEBSOCKET_ORIGINS),
  ];
  const server = createServiceServer({
    service: 'notification',
    host: config.LISTEN_HOST,
    port: config.NOTIFICATION_PORT,
    portsToTry: 1,
    allowedHosts,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    maxConnections: config.WEBSOCKET_MAX_CONNECTIONS + OTHER_CONNECTIONS,
    maxConnectionsPerAddress: config.WEBSOCKET_MAX_PER_ADDRESS + OTHERS_PER_ADDRESS,
    notReadyBecause: () =>
      broker.unavailableBecause ??
      storeWatch.unavailableBecause ??
      webhooks.notConsumingBecause ??
      (follower.isCaughtUp ? undefined : errorCodes.not_caught_up),
    metrics,
    log,
    routes: {
      [`GET ${SOCKET_PATH}`]: {
        query: Object.keys(handshakeQuerySchema.shape),
        description: `WebSocket with the events of jobs: npx wscat -c "ws://localhost:${config.NOTIFICATION_PORT}${SOCKET_PATH}?job_id=…"`,
        handle: () => {
          throw new PipelineError('upgrade_required', 'WebSocket only. Connect with a WebSocket client.');
        },
      },
    },
  });
  let hasCaughtUp = false;
  const sockets = new SocketServer({
    server: server.server,
    notifier,
    // Once it has caught up, it accepts clients even while the broker is down, and sends what it knows.
    isReady: () => (hasCaughtUp ||= follower.isCaughtUp),
    allowedOrigins: config.WEBSOCKET_ORIGINS,
    allowedHosts,
    access: { isOpen: config.NODE_ENV !== 'production', token: config.API_TOKEN },
    limits: {
      maxConnections: config.WEBSOCKET_MAX_CONNECTIONS,
      maxConnectionsPerAddress: config.WEBSOCKET_MAX_PER_ADDRESS,
      maxSubscriptions,
      maxTotalSubscriptions,
      maxMessageBytes,
      maxBufferedBytes,
      pingIntervalMs,
    },
    metrics,
  });
  const webhooks = new Webhooks({
    config,
    broker,
    store,
    storeWatch,
    resolve: options.resolve ?? receiverResolver(config.WEBHOOK_ALLOWED_HOSTS),
    inFlight: options.webhooksInFlight,
    perHost: options.webhooksPerHost,
    lostAfterMs: options.webhookLostAfterMs,
    metrics,
    log,
  });
  const snapshots = new SnapshotCache({
    url: config.MONITORING_URL,
    timeoutMs: SNAPSHOT_TIMEOUT_MS,
    ttlSeconds: SNAPSHOT_TTL_S,
    store,
    log,
  });
  const workers = new ReportingWorkers(broker, () => pipelineStatus.sendNow());
  const pipelineStatus = new PipelineStatus({
    notifier,
    live,
    estimates,
    queues: broker.queues,
    snapshots,
    workers,
  });
  const stopping = new AbortController();
  return createService({
    broker,
    server,
    stopping,
    stopDeadlineMs: config.STOP_TIMEOUT_MS,
    tracing: { service: 'notification', instance, ...tracingOptions(config), log },
    steps: [
      // Responds 503 until the event log has been read.
      { name: 'sockets', start: () => sockets.start(), stop: () => sockets.stop() },
      { name: 'http server', start: () => server.start(), stop: () => server.stop() },
      {
        name: 'store',
        start: () => startStore(store, { where: whereStoreIs(config), signal: stopping.signal, log }),
        stop: () => store.stop(),
      },
      { name: 'store watch', start: () => storeWatch.start(), stop: () => storeWatch.stop() },
      { name: 'broker', start: () => broker.start(), stop: () => broker.stop() },
      {
        name: 'webhooks',
        start: () => webhooks.start(),
        // Unfinished webhooks are handed back then; the rest of the time is for closing everything.
        stop: () => webhooks.stop(config.STOP_TIMEOUT_MS * 0.6),
      },
      { name: 'snapshots', start: () => snapshots.start(), stop: () => snapshots.stop() },
      ...(config.NODE_ENV === 'production'
        ? []
        : [{ name: 'workers', start: () => workers.start(), stop: () => workers.stop() }]),
      { name: 'pipeline status', start: () => pipelineStatus.start(), stop: () => pipelineStatus.stop() },
      { name: 'event follower', start: () => follower.start(), stop: () => follower.stop() },
      { name: 'intake', stop: () => sockets.stop() },
    ],
    onStarted: (port) => log.info({ port }, 'ready for subscribers'),
  });
}
