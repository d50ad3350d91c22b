import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import { publishUntilConfirmed } from '@image-pipeline/shared/broker/publish-until-confirmed.ts';
import type { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import type { Rung } from '@image-pipeline/shared/broker/topology.ts';
import {
  endedEvent,
  retryingEvent,
  startedEvent,
  type JobEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { PermanentFailure, PipelineError } from '@image-pipeline/shared/errors.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { removeLeftovers } from '@image-pipeline/shared/jobs/remove-leftovers.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { attemptJob, type AttemptResult } from './attempt-job.ts';
import { completedOutcome, failedOutcome } from './build-outcome.ts';
import { decideFate, type Fate } from './decide-fate.ts';
import type { ImagePool } from './image-pool/image-pool.ts';
import { takeInHand, type JobInHand } from './job-in-hand.ts';
import { readOutcome, recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { retryMessage } from './retry-message.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

export interface ProcessJobDependencies {
  readonly worker: string;
  readonly store: ObjectStore;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly pool: Pick<ImagePool, 'process'>;
  readonly ladder: readonly Rung[];
  readonly maxFileBytes: number;
  readonly metrics: WorkerMetrics;
  /** Aborts when the worker stops: what waits then is handed back. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

type Retry = Extract<Fate, { kind: 'retry' }>;

/**
 * Takes deliveries from the queue to their end: announce → attempt → outcome → event → settle. The acknowledgement is
 * always last, so whatever dies in between is done again; the outcome is written once, so doing it again changes
 * nothing. It throws only where going on makes no sense (the worker stops, the channel is gone).
 */
export function createJobProcessor(dependencies: ProcessJobDependencies) {
  const { store, publisher, metrics, log } = dependencies;

  async function handle(delivery: Delivery): Promise<void> {
    let job: JobInHand;
    try {
      job = takeInHand(delivery, dependencies);
    } catch (error) {
      if (!(error instanceof PermanentFailure)) throw error;
      const about = { code: error.code, reason: error.message, job_id: delivery.correlationId };
      log.error(about, 'a message that is no job: dead-lettered');
      metrics.finished('unreadable');
      delivery.deadLetter();
      return;
    }
    const release = metrics.takeSlot();
    try {
      await process(job, delivery);
    } finally {
      release();
    }
  }

  async function process(job: JobInHand, delivery: Delivery): Promise<void> {
    try {
      await workOn(job, delivery);
    } catch (error) {
      if (job.signal.aborted) throw error;
      // Not of the image: a record of this run that cannot be read, or a bug. It must not go round for ever.
      job.log.error({ err: error }, 'cannot work on this run');
      const fate = decideFate(error, job.attempt, dependencies.ladder);
      if (fate.kind === 'retry') await retry(job, fate, delivery);
      else delivery.deadLetter();
    }
  }

  async function workOn(job: JobInHand, delivery: Delivery): Promise<void> {
    const earlier = await whenStoreAnswers(job, () =>
      readOutcome(store, job.request.job_id, job.request.run),
    );
    if (earlier !== undefined) {
      job.log.info({ state: earlier.state }, 'this run has ended already');
      metrics.finished('duplicate');
      await settle(job, earlier, delivery);
      return;
    }
    const { worker, at, redelivered } = job.started;
    const announced = announce(job, startedEvent(job.request, job.attempt, worker, at, redelivered));
    announced.catch(() => undefined); // awaited below, once the outcome is safe
    const ended = await attempt(job);
    if ('rung' in ended) {
      await announced;
      await retry(job, ended, delivery);
      return;
    }
    const outcome = await whenStoreAnswers(job, () => recordOutcome(store, ended));
    const won = outcome.attempt_id === job.attemptId;
    metrics.finished(won ? outcome.state : 'duplicate');
    if (won) metrics.stages(outcome);
    await announced;
    await settle(job, outcome, delivery);
  }

  /** What the attempt ends in: an outcome to be recorded, or another attempt. */
  async function attempt(job: JobInHand): Promise<Outcome | Retry> {
    job.log.info({ operations: job.request.operations.map(({ type }) => type) }, 'started');
    try {
      const made: AttemptResult = await attemptJob(job.request, job.attemptId, {
        ...dependencies,
        log: job.log,
        whenStoreAnswers: (work) => whenStoreAnswers(job, work),
      });
      return completedOutcome(job, made, new Date().toISOString());
    } catch (error) {
      if (job.signal.aborted) throw error;
      const fate = decideFate(error, job.attempt, dependencies.ladder);
      const { code, reason } = fate.error;
      if (error instanceof PipelineError) job.log.warn({ code, fate: fate.kind, reason }, 'attempt failed');
      else job.log.error({ err: error, fate: fate.kind }, 'attempt failed by an error that nobody expected');
      return fate.kind === 'retry' ? fate : failedOutcome(job, fate.error, new Date().toISOString());
    }
  }

  async function retry(job: JobInHand, { rung, error }: Retry, delivery: Delivery): Promise<void> {
    const now = Date.now();
    const hop = {
      at: new Date(now).toISOString(),
      retry_at: new Date(now + rung.delayMs).toISOString(),
      worker: job.started.worker,
      error,
    };
    await publishUntilConfirmed(publisher, retryMessage(job, rung, hop), job.signal);
    await announce(job, retryingEvent(job.request, job.attempt, hop));
    metrics.finished('retried');
    delivery.ack();
  }

  async function settle(job: JobInHand, outcome: Outcome, delivery: Delivery): Promise<void> {
    if (outcome.state === 'completed' && mayHaveLeftovers(job, delivery)) {
      await whenStoreAnswers(job, () => removeLeftovers(store, outcome));
    }
    await announce(job, endedEvent(job.request, outcome));
    if (outcome.state === 'completed') delivery.ack();
    else delivery.deadLetter();
    job.log.info({ state: outcome.state }, 'ended');
  }

  /** Whether somebody else has begun on this job before. */
  const mayHaveLeftovers = ({ request, attempt }: JobInHand, { deliveryNumber }: Delivery) =>
    request.run > 1 || attempt > 1 || deliveryNumber > 1;

  const announce = (job: JobInHand, event: JobEvent) =>
    publishUntilConfirmed(publisher, eventMessage(event), job.signal);

  const whenStoreAnswers = <Result>(job: JobInHand, work: () => Promise<Result>) =>
    waitForStore(work, job.signal, job.log);

  return handle;
}
