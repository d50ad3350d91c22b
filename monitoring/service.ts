import { buildTopology, countableQueues } from '@image-pipeline/shared/broker/topology.ts';
import { logOptions, tracingOptions } from '@image-pipeline/shared/common-config.ts';
import { errorCodes, PipelineError } from '@image-pipeline/shared/errors.ts';
import { createServiceServer } from '@image-pipeline/shared/http/service-server.ts';
import { EventFollower, EVENTS_REPLAYED } from '@image-pipeline/shared/jobs/event-follower.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { configuredBroker, configuredStore } from '@image-pipeline/shared/open-adapters.ts';
import { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { createService, instanceName, type Service } from '@image-pipeline/shared/service.ts';
import { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import type { MonitoringConfig } from './config.ts';
import { StoreComparison } from './ledger/compare-with-store.ts';
import { loadState, offsetToReadFrom, StateSaver } from './ledger/durable-state.ts';
import { PipelineMetrics } from './pipeline-metrics.ts';
import { MetricsExporter } from './snapshot/export-metrics.ts';
import { monitoringRoutes } from './routes.ts';
import { LedgerRepair } from './ledger/repair-ledger.ts';
import { ManagementClient } from './management/management-client.ts';
import { sampleBroker } from './management/sample-broker.ts';
import { createRefreshLog } from './snapshot/log-refresh.ts';
import { RecentSamples } from './snapshot/recent-samples.ts';
import { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';

/** The parts that exist once the stored state has been read. */
interface Restored {
  readonly pipeline: PipelineMetrics;
  readonly follower: EventFollower;
  readonly saver: Startable;
  readonly repair: LedgerRepair;
}

/** Limits that are no settings; tests change some. */
const monitoringLimits = {
  /** For a call to the management API. */
  managementTimeoutMs: 3_000,
  eventsReplayed: EVENTS_REPLAYED,
  /** Newest events that are counted at start-up; at least `eventsReplayed`. */
  eventsCountedAtStart: 100_000,
};

export type MonitoringLimits = typeof monitoringLimits;

/** The monitoring service: samples RabbitMQ and follows the event log, and builds one snapshot from both. */
export function createMonitoring(config: MonitoringConfig, changes: Partial<MonitoringLimits> = {}): Service {
  const limits = { ...monitoringLimits, ...changes };
  const instance = instanceName('monitoring');
  const log = createLogger(instance, logOptions(config));
  const metrics = createMetrics('monitoring');
  const exporter = new MetricsExporter(metrics);
  const samples = new RecentSamples();
  const store = configuredStore(config);
  const storeWatch = new StoreWatch(store, log);
  const broker = configuredBroker(config, { name: instance, appId: 'monitoring', log });
  const management = new ManagementClient({
    url: config.RABBITMQ_MANAGEMENT_URL,
    user: config.RABBITMQ_MANAGEMENT_USER,
    password: config.RABBITMQ_MANAGEMENT_PASSWORD,
    connectMs: 1_000,
    callMs: limits.managementTimeoutMs,
    queue: new RequestQueue({
      maxConcurrent: config.UPSTREAM_MAX_CONCURRENT,
      minInterval: config.UPSTREAM_MIN_INTERVAL,
      report: { name: 'management', metrics, log },
    }),
  });
  const queues = countableQueues(
    buildTopology({ jobs: config.RETRY_DELAYS, webhooks: config.WEBHOOK_RETRY_DELAYS }),
  );
  const comparison = new StoreComparison({ store, retentionMs: config.RETENTION, metrics, log });
  let restored: Restored | undefined;
  const configured = config.STATUS_UPDATE_INTERVAL;

  /** Reads the state of the last process and prepares to continue from there. */
  async function restore(): Promise<Restored> {
    const state = await loadState(store);
    // Unless it has been changed since the start, or STATUS_UPDATE_INTERVAL has another value.
    const isConfigured = keeper.intervalSeconds === configured;
    if (isConfigured && state?.interval?.configured === configured) {
      keeper.intervalSeconds = state.interval.seconds;
    }
    const pipeline = new PipelineMetrics({
      state,
      unaccountedAfterMs: config.UNACCOUNTED_AFTER * 1_000,
      isLive: () => follower.isFollowing,
      onEnded: ({ seconds }) => {
        if (seconds.total !== undefined) metrics.observe('image_job_duration_seconds', seconds.total);
      },
    });
    const follower: EventFollower = new EventFollower({
      broker,
      service: 'monitoring',
      instance,
      replay: limits.eventsReplayed,
      from: offsetToReadFrom(state),
      atMost: limits.eventsCountedAtStart,
      onEvent: (event, offset) => {
        const { isNew, isSecondEnd } = pipeline.onEvent(event, offset);
        if (isNew) comparison.onEvent(event, isSecondEnd);
      },
      onConsuming: (event) => pipeline.onConsuming(event),
      onInvalid: (content) => {
        if (!pipeline.isRereading) comparison.onInvalid(content);
      },
      onReset: () => {
        log.warn('the event log has a gap or was recreated; totals continue from here');
        pipeline.onLogEnd();
      },
      log,
    });
    return {
      pipeline,
      follower,
      saver: new StateSaver({
        store,
        state: () => ({ ...pipeline.state, interval: { seconds: keeper.intervalSeconds, configured } }),
        snapshot: () => keeper.snapshot,
        log,
      }),
      repair: new LedgerRepair({
        store,
        publisher: broker.publisher,
        suspects: () => pipeline.suspects,
        lost: () => pipeline.lostRuns,
        repairAfterMs: config.UNACCOUNTED_AFTER * 1_000,
        onFound: (eventId) => pipeline.expectRepublished(eventId),
        log,
      }),
    };
  }

  function behindBecause(): string | undefined {
    const unread = restored?.follower.unread ?? 0;
    if (restored?.follower.isFollowing === true) return undefined;
    return unread === 0
      ? 'the event log is not being followed'
      : `reading the event log: about ${unread} events left`;
  }

  const logRefresh = createRefreshLog(log);
  const keeper = new SnapshotKeeper({
    intervalSeconds: configured,
    retryDelays: config.RETRY_DELAYS,
    sampleBroker: () =>
      sampleBroker((path, allowed) => management.get(path, allowed), vhostOf(config.RABBITMQ_URL[0] ?? '')),
    countQueues: async () =>
      new Map(
        await Promise.all(queues.map(async (queue) => [queue, await broker.queues.inspect(queue)] as const)),
      ),
    brokerVersion: () => broker.serverVersion,
    pipeline: () => restored?.pipeline,
    behindBecause,
    onRefreshed: (seen) => {
      exporter.export(seen);
      samples.add(seen.snapshot);
      logRefresh(seen.snapshot);
    },
    log,
  });
  const server = createServiceServer({
    service: 'monitoring',
    host: config.LISTEN_HOST,
    port: config.MONITORING_PORT,
    portsToTry: 1,
    allowedHosts: config.ALLOWED_HOSTS,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    notReadyBecause: () =>
      broker.unavailableBecause ??
      storeWatch.unavailableBecause ??
      (restored?.follower.isCaughtUp === true ? undefined : errorCodes.not_caught_up),
    metrics,
    log,
    routes: monitoringRoutes({
      keeper,
      samples,
      republish: (order) => {
        const reason = behindBecause();
        if (restored !== undefined && reason === undefined) return restored.repair.republish(order);
        throw new PipelineError(
          'not_caught_up',
          `Monitoring does not know which jobs are lost: ${reason ?? 'its stored state has not been read yet'}.`,
        );
      },
      token: config.API_TOKEN,
    }),
  });
  const stopping = new AbortController();
  return createService({
    broker,
    server,
    stopping,
    stopDeadlineMs: config.STOP_TIMEOUT_MS,
    tracing: { service: 'monitoring', instance, ...tracingOptions(config), log },
    steps: [
      // Before every step that may wait, so that clients get a response while the service starts.
      { name: 'http server', start: () => server.start(), stop: () => server.stop() },
      { name: 'management API', stop: () => management.close() },
      { name: 'snapshot', start: () => keeper.start(), stop: () => keeper.stop() },
      {
        name: 'store',
        start: () => waitForStore(() => store.start(), stopping.signal, log),
        stop: () => store.stop(),
      },
      { name: 'store watch', start: () => storeWatch.start(), stop: () => storeWatch.stop() },
      {
        name: 'stored state',
        start: async () => {
          restored = await waitForStore(restore, stopping.signal, log);
        },
      },
      { name: 'broker', start: () => broker.start(), stop: () => broker.stop() },
      { name: 'saver', start: () => restored?.saver.start(), stop: () => restored?.saver.stop() },
      {
        name: 'event follower',
        start: () => restored?.follower.start(),
        stop: () => restored?.follower.stop(),
      },
      {
        name: 'ledger repair',
        start: () => restored?.repair.start(),
        stop: () => restored?.repair.stop(),
      },
      { name: 'store comparison', start: () => comparison.start(), stop: () => comparison.stop() },
    ],
    onStarted: (port) => {
      const management = new URL(config.RABBITMQ_MANAGEMENT_URL).host;
      log.info(
        { port },
        `monitoring started: a snapshot every ${keeper.intervalSeconds} s, from RabbitMQ’s queues, its management API at ${management} and the event log`,
      );
    },
  });
}

/** As amqplib reads it: no path is the vhost `/`. */
function vhostOf(url: string): string {
  const path = new URL(url).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}
