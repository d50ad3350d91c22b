import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { logOptions, tracingOptions } from '@image-pipeline/shared/common-config.ts';
import { consumingEvent } from '@image-pipeline/shared/contracts/event.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { createServiceServer } from '@image-pipeline/shared/http/service-server.ts';
import { HOLD_MS } from '@image-pipeline/shared/broker/consumer.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { configuredBroker, configuredStore, whereStoreIs } from '@image-pipeline/shared/open-adapters.ts';
import { createService, type Service } from '@image-pipeline/shared/service.ts';
import { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { startStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { inConsumerSpans } from '@image-pipeline/shared/tracing/messaging.ts';
import { JobIntake } from './job-intake.ts';
import { WorkerCommands } from './commands/worker-commands.ts';
import type { WorkerConfig } from './config.ts';
import { SLOWEST } from './image-pool/child-clock.ts';
import { createImagePool } from './image-pool/image-pool.ts';
import { createJobProcessor } from './process-job.ts';
import { HealthWatch } from './telemetry/watch-health.ts';
import { createWorkerMetrics } from './telemetry/worker-metrics.ts';

/** The worker: consumes jobs, processes images in child processes, stores the results. */
export function createWorker(config: WorkerConfig): Service {
  const worker = config.WORKER_NAME;
  const slots = config.MAX_CONCURRENT_JOBS;
  const retryDelays = config.RETRY_DELAYS;
  const log = createLogger(worker, logOptions(config));
  const metrics = createMetrics('worker');
  const store = configuredStore(config);
  const storeWatch = new StoreWatch(store, log);
  const broker = configuredBroker(config, { name: worker, appId: 'worker', log });
  const pool = createImagePool({
    slots,
    engine: config.IMAGE_ENGINE,
    deadlineMs: config.JOB_TIMEOUT_MS,
    memoryLimitBytes: config.JOB_MEMORY_MIB * 1024 * 1024,
    log,
  });
  const stopping = new AbortController();
  const processJob = createJobProcessor({
    worker,
    store,
    publisher: broker.publisher,
    pool,
    countWorkers: async () => (await broker.queues.inspect(queueNames.process)).consumers,
    retryDelays,
    maxFileBytes: config.MAX_FILE_BYTES,
    metrics: createWorkerMetrics(metrics, slots),
    stopping: stopping.signal,
    log,
  });
  /** RabbitMQ's management API lists a new consumer only after some seconds. */
  const announce = () => {
    broker.publisher.publish(eventMessage(consumingEvent(worker, slots))).catch((error: unknown) => {
      log.debug({ reason: messageOf(error) }, 'could not announce that the worker consumes');
    });
  };
  const createConsumer = (queue: string, prefetch: number, onConsuming: () => void) =>
    broker.consumer({
      queue,
      prefetch,
      onDelivery: inConsumerSpans(queue, (message) => processJob(message, queue === queueNames.slow)),
      // A job that takes longer than a slow image may take waits for the store or the broker.
      holdMs: Math.max(HOLD_MS, (SLOWEST + 0.2) * config.JOB_TIMEOUT_MS),
      mayConsume: (signal) => storeWatch.whenAvailable(signal),
      onConsuming,
    });
  const createConsumers = () => [
    createConsumer(queueNames.process, slots, announce),
    createConsumer(queueNames.slow, 1, () => undefined),
  ];
  // Unfinished jobs are handed back then; the rest of the time is for closing everything.
  const intake = new JobIntake(createConsumers, config.STOP_TIMEOUT_MS * 0.8);
  const signal = (name: NodeJS.Signals) => process.kill(process.pid, name);
  const commands = new WorkerCommands({ worker, slots, broker, intake, pool, signal, log });
  const notReadyBecause = () =>
    broker.unavailableBecause ?? storeWatch.unavailableBecause ?? intake.notConsumingBecause;
  const health = new HealthWatch(notReadyBecause);
  const server = createServiceServer({
    service: 'worker',
    host: config.LISTEN_HOST,
    port: config.WORKER_PORT,
    portsToTry: config.WORKER_PORT === 0 ? 1 : 100,
    allowedHosts: config.ALLOWED_HOSTS,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    notReadyBecause,
    metrics,
    log,
    routes: {
      'GET /health': {
        description: 'Whether the worker consumes jobs: ok, stale or error.',
        handle: () => health.response(),
      },
    },
  });
  return createService({
    broker,
    server,
    stopping,
    stopDeadlineMs: config.STOP_TIMEOUT_MS,
    tracing: { service: 'worker', instance: worker, ...tracingOptions(config), log },
    steps: [
      { name: 'http server', start: () => server.start(), stop: () => server.stop() },
      { name: 'health watch', start: () => health.start(), stop: () => health.stop() },
      {
        name: 'store',
        start: () => startStore(store, { where: whereStoreIs(config), signal: stopping.signal, log }),
        stop: () => store.stop(),
      },
      { name: 'store watch', start: () => storeWatch.start(), stop: () => storeWatch.stop() },
      { name: 'image pool', start: () => pool.start(), stop: () => pool.stop(0) },
      { name: 'broker', start: () => broker.start(), stop: () => broker.stop() },
      ...(config.NODE_ENV === 'production'
        ? []
        : [{ name: 'commands', start: () => commands.start(), stop: () => commands.stop() }]),
      {
        name: 'intake',
        start: () => intake.start(),
        stop: async () => {
          log.info(
            { jobs_in_progress: intake.inFlight },
            'stopping: finishing the current jobs, taking no new ones',
          );
          await intake.stop();
          log.info({ jobs_handed_back: intake.inFlight }, 'stopped consuming');
        },
      },
    ],
    onStarted: (port) => log.info({ slots, port }, 'ready for jobs'),
  });
}
