import { isDeepStrictEqual } from 'node:util';
import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { type Publisher, publishUntilConfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import {
  destinationOf,
  queueNames,
  retryDestination,
  type RetryDelay,
} from '@image-pipeline/shared/broker/topology.ts';
import {
  endedEvent,
  type JobEvent,
  postponedEvent,
  redeliveredEvent,
  retryingEvent,
  startedEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import { isSlowJob } from '@image-pipeline/shared/contracts/job-order.ts';
import type { Failure } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { PermanentFailure, PipelineError } from '@image-pipeline/shared/errors.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { recordOutcome, removeLeftovers } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { decideFate, isForAnother, type Fate } from './decide-fate.ts';
import type { ImagePool } from './image-pool/image-pool.ts';
import { attemptJob } from './job/attempt-job.ts';
import {
  completedOutcome,
  failedOutcome,
  movedMessage,
  nextAttemptMessage,
  postponedEntry,
  postponedMessage,
} from './job/attempt-records.ts';
import { type JobContext, openJob } from './job/job-context.ts';
import { Slots } from './job/slots.ts';
import type { WorkerMetrics } from './telemetry/worker-metrics.ts';

export interface ProcessJobDependencies {
  readonly worker: string;
  readonly store: ObjectStore;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly pool: Pick<ImagePool, 'process'>;
  /** The number of workers that consume jobs. */
  readonly countWorkers: () => Promise<number>;
  readonly retryDelays: readonly RetryDelay[];
  readonly maxFileBytes: number;
  readonly metrics: WorkerMetrics;
  /** Aborts when the worker stops: jobs that are waiting then are handed back. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/**
 * Processes one message, from the job queue or from the queue for slow images, to its end and returns its settlement. The order
 * is: outcome stored, event published, message settled. Whatever dies in between is redelivered, and processing a job twice
 * changes nothing because the first outcome of a run wins. It throws only where it cannot go on: the worker stops, or the
 * channel is closed.
 */
export function createJobProcessor(dependencies: ProcessJobDependencies) {
  const { store, publisher, retryDelays, metrics, log } = dependencies;
  const slots = new Slots(metrics);

  return async function processJob(message: ReceivedMessage, isSlow: boolean): Promise<Settlement> {
    using slot = isSlow ? undefined : slots.take();
    const job = openOrRefuse(message, slot?.number);
    if (job === undefined) return 'dead-letter';
    let startAnnounced = Promise.resolve();
    try {
      if (!(await isAccepted(job))) return 'dead-letter';
      const earlier = await findOutcome(job);
      if (earlier !== undefined) return await conclude(job, earlier);
      if (!isSlow && isSlowJob(job.history)) return await move(job);
      const delay = isSlow ? await delayForAnother(job) : undefined;
      if (delay !== undefined) return await postpone(job, delay);
      startAnnounced = announceStart(job);
      const images = await attemptJob(job, isSlow, dependencies);
      const outcome = await record(job, completedOutcome(job, images, new Date().toISOString()));
      await startAnnounced;
      return await conclude(job, outcome);
    } catch (error) {
      if (job.signal.aborted) {
        job.log.warn('not finished: RabbitMQ redelivers the job');
        throw error;
      }
      const fate = decideFate(error, job, retryDelays);
      logFailure(job, error, fate);
      return fate.kind === 'fail'
        ? await fail(job, fate.error, startAnnounced)
        : await retry(job, fate, startAnnounced);
    }
  };

  function openOrRefuse(message: ReceivedMessage, slot: number | undefined): JobContext | undefined {
    try {
      return openJob(message, { ...dependencies, slot });
    } catch (error) {
      if (!(error instanceof PermanentFailure)) throw error;
      const about = { code: error.code, reason: error.message, job_id: message.correlationId };
      log.error(about, 'invalid job message: dead-lettered');
      metrics.finished('unreadable');
      return undefined;
    }
  }

  /**
   * A later run must be in the store as in the message: a forged one would replace the result of an earlier run. The first
   * run of a job has no result to lose, and is not read again, to save time.
   */
  async function isAccepted(job: JobContext): Promise<boolean> {
    const { job_id, run } = job.request;
    if (run === 1) return true;
    const request = await retryUntilStoreResponds(job, () => readRequest(store, job_id, run));
    if (isDeepStrictEqual(request, job.request)) return true;
    job.log.error('the message is not the stored request of this run: dead-lettered');
    metrics.finished('unreadable');
    return false;
  }

  /** The outcome of this run if it has ended already: the message is a duplicate, or was redelivered after the end. */
  async function findOutcome(job: JobContext): Promise<Outcome | undefined> {
    const { job_id, run } = job.request;
    const outcome = await retryUntilStoreResponds(job, () => readOutcome(store, job_id, run));
    if (outcome !== undefined) {
      job.log.info({ state: outcome.state }, 'this run has ended already');
      metrics.finished('duplicate');
    }
    return outcome;
  }

  /** An earlier attempt has shown that the job belongs in the queue for slow images. */
  async function move(job: JobContext): Promise<Settlement> {
    await publishUntilConfirmed(publisher, movedMessage(job), job.signal);
    job.log.info('moved to the queue for slow images');
    return 'ack';
  }

  /** @returns the delay after which another worker may receive the job; undefined to start it now */
  async function delayForAnother({ history }: JobContext): Promise<RetryDelay | undefined> {
    const workers = await dependencies.countWorkers().catch(() => 1); // the broker is unavailable
    const turn = { history, worker: dependencies.worker, workers, now: Date.now() };
    return isForAnother(turn) ? retryDelays[0] : undefined;
  }

  async function postpone(job: JobContext, retryDelay: RetryDelay): Promise<Settlement> {
    const entry = postponedEntry(job, retryDelay, Date.now());
    await publishUntilConfirmed(publisher, postponedMessage(job, entry, retryDelay), job.signal);
    await announce(job, postponedEvent(job.request, entry.attempt, entry));
    job.log.info({ delay: retryDelay.label, reason: entry.reason }, 'postponed');
    return 'ack';
  }

  /** Publishes while the image is processed; await the result once the outcome is stored. */
  function announceStart(job: JobContext): Promise<void> {
    const { request, attempt, redelivered } = job;
    const { worker, at, slot } = job.started;
    job.log.info({ operations: request.operations.map(({ type }) => type) }, 'started');
    const more = {
      ...(slot !== undefined && { slot }),
      ...(redelivered && { redelivered: true, delivery: redelivered.delivery }),
    };
    const started = () => announce(job, startedEvent(request, attempt, worker, at, more));
    const announced =
      redelivered === undefined
        ? started()
        : announce(job, redeliveredEvent(request, attempt, redelivered)).then(started);
    announced.catch(() => undefined);
    return announced;
  }

  /** Stores the outcome unless the run has one. Returns the outcome that counts. */
  async function record(job: JobContext, ended: Outcome): Promise<Outcome> {
    const outcome = await retryUntilStoreResponds(job, () => recordOutcome(store, ended));
    const won = outcome.attempt_id === job.attemptId;
    metrics.finished(won ? outcome.state : 'duplicate');
    if (won) metrics.stages(outcome);
    return outcome;
  }

  async function conclude(job: JobContext, outcome: Outcome): Promise<Settlement> {
    if (outcome.state === 'completed' && mayHaveLeftovers(job)) {
      await retryUntilStoreResponds(job, () => removeLeftovers(store, outcome));
    }
    await announce(job, endedEvent(job.request, outcome));
    job.log.info({ state: outcome.state }, 'ended');
    return outcome.state === 'completed' ? 'ack' : 'dead-letter';
  }

  /** After a delay, or in the queue for slow images. */
  async function retry(
    job: JobContext,
    fate: Exclude<Fate, { kind: 'fail' }>,
    startAnnounced: Promise<void>,
  ): Promise<Settlement> {
    await startAnnounced;
    const [destination, delayMs] =
      fate.kind === 'move'
        ? [destinationOf(queueNames.slow), 0]
        : [retryDestination(fate.retryDelay), fate.retryDelay.delayMs];
    const now = Date.now();
    const hop = {
      at: new Date(now).toISOString(),
      retry_at: new Date(now + delayMs).toISOString(),
      worker: job.started.worker,
      error: fate.error,
    };
    await publishUntilConfirmed(publisher, nextAttemptMessage(job, destination, hop), job.signal);
    await announce(job, retryingEvent(job.request, job.attempt, hop));
    metrics.finished('retried');
    return 'ack';
  }

  async function fail(job: JobContext, error: Failure, startAnnounced: Promise<void>): Promise<Settlement> {
    try {
      const outcome = await record(job, failedOutcome(job, error, new Date().toISOString()));
      await startAnnounced;
      return await conclude(job, outcome);
    } catch (thrown) {
      if (job.signal.aborted) throw thrown;
      // E.g. a stored outcome that cannot be read. The DLQ recorder writes what is known of the run.
      job.log.error({ err: thrown }, 'cannot record how the run ended: dead-lettered');
      return 'dead-letter';
    }
  }

  function announce(job: JobContext, event: JobEvent): Promise<void> {
    return publishUntilConfirmed(publisher, eventMessage(event), job.signal);
  }

  function retryUntilStoreResponds<Result>(job: JobContext, work: () => Promise<Result>): Promise<Result> {
    return waitForStore(work, job.signal, job.log);
  }
}

/** Whether an earlier attempt at this job may have stored images. */
function mayHaveLeftovers({ request, attempt, redelivered }: JobContext): boolean {
  return request.run > 1 || attempt > 1 || redelivered !== undefined;
}

function logFailure({ log }: JobContext, error: unknown, fate: Fate): void {
  const { code, reason } = fate.error;
  if (error instanceof PipelineError) log.warn({ code, fate: fate.kind, reason }, 'attempt failed');
  else log.error({ err: error, fate: fate.kind }, 'attempt failed with an unexpected error');
}
