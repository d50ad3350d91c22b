import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import {
  jobRequestSchema,
  queuedEntry,
  type Failure,
  type JobRequest,
} from '@image-pipeline/shared/contracts/job.ts';
import type { FailedOutcome, Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { readEnded, readOutcome, recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { deadKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { v7 as uuidv7 } from 'uuid';
import { readDeath, type Death } from './read-death.ts';

/** Characters: a message that is not a valid job may have thousands of faults. */
const MAX_REASON = 2_000;

export interface RecorderDependencies {
  readonly store: ObjectStore;
  /** Resolves when the event is in the event log. */
  readonly announce: (event: JobEvent, signal: AbortSignal) => Promise<void>;
  /** Aborts when the service stops: a message that waits for the store is then handed back. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/**
 * The DLQ recorder: stores a record of each message that the broker dead-lettered. A run without an outcome (every worker
 * that had it died, or the message was not a valid job) gets its failed outcome here. A run that completed gets no record.
 * Every step may be repeated; the acknowledgement is last.
 */
export function createDeadLetterRecorder(
  dependencies: RecorderDependencies,
): (message: ReceivedMessage) => Promise<Settlement> {
  const { announce, stopping } = dependencies;
  return async (message) => {
    const signal = AbortSignal.any([message.lost, stopping]);
    const death = readDeath(message, new Date());
    const log = dependencies.log.child({ job_id: death.jobId, run: death.run });
    const { record, ended } = await waitForStore(
      () => recordOrExplain(death, { ...dependencies, log }),
      signal,
      log,
    );
    if (ended !== undefined) await announce(ended, signal);
    if (record !== undefined) log.warn({ code: record.error.code }, 'dead letter recorded');
    return 'ack';
  };
}

/** A message that always fails would be redelivered forever, so a run that cannot be read is recorded as such. */
async function recordOrExplain(death: Death, { store, log }: RecorderDependencies): Promise<Recorded> {
  try {
    return await recordDeath(death, store);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    log.error({ err: error }, 'the stored run of a dead letter cannot be read');
    const reason = 'The stored data of this run cannot be read. See the API log for details.';
    const record = {
      ...recordOf(death, death.request, undefined),
      error: { code: 'internal_error', reason },
    };
    await store.putIfAbsent(deadKey(death.jobId, death.run), jsonBody(record));
    return { record, ended: undefined };
  }
}

interface Recorded {
  readonly record: DeadLetter | undefined;
  /** Announced even if the worker announced it: it may have died before it could. */
  readonly ended: JobEvent | undefined;
}

async function recordDeath(death: Death, store: ObjectStore): Promise<Recorded> {
  const { jobId, run } = death;
  const request = death.request ?? (await readJson(store, requestKey(jobId, run), jobRequestSchema));
  const outcome =
    (await readOutcome(store, jobId, run)) ??
    (request && (await recordOutcome(store, missingOutcome(death, request))));
  const ended = request && outcome && endedEvent(request, outcome);
  if (outcome?.state === 'completed') return { record: undefined, ended };
  const record = recordOf(death, request, outcome);
  await store.putIfAbsent(deadKey(jobId, run), jsonBody(record));
  return { record, ended };
}

/**
 * Records a failed run as its outcome describes it, unless it has a record. @returns whether it had none
 * @throws StoreUnavailable; safe to call again
 */
export async function recordFailure(
  jobId: string,
  run: number,
  store: Pick<ObjectStore, 'get' | 'stat' | 'putIfAbsent'>,
): Promise<boolean> {
  const key = deadKey(jobId, run);
  if ((await store.stat(key)) !== undefined) return false;
  const ended = await readEnded(store, jobId, run);
  if (ended?.outcome.state !== 'failed') return false;
  const { request, outcome } = ended;
  const death: Death = {
    jobId,
    run,
    attempt: outcome.attempt,
    death: { reason: 'rejected', queue: queueNames.process, at: outcome.finished_at },
    traceparent: undefined,
    request,
    unreadableBecause: '',
  };
  return store.putIfAbsent(key, jsonBody(recordOf(death, request, outcome)));
}

function recordOf(death: Death, request: JobRequest | undefined, outcome: Outcome | undefined): DeadLetter {
  return {
    version: 1,
    job_id: death.jobId,
    run: death.run,
    attempts: outcome?.attempt ?? death.attempt,
    error: outcome?.state === 'failed' ? outcome.error : errorOf(death),
    death: death.death,
    name: request?.original.name ?? null,
    operations: request?.operations.map(({ type }) => type) ?? [],
    submitted_at: request?.submitted_at ?? null,
    traceparent: death.traceparent,
    dead_lettered_at: new Date().toISOString(),
    state: 'dead',
  };
}

/** For a run whose workers stored no outcome. */
function missingOutcome(death: Death, request: JobRequest): FailedOutcome {
  const { run, attempt } = death;
  const error = errorOf(death);
  const at = new Date().toISOString();
  return {
    version: 1,
    job_id: request.job_id,
    run,
    attempt,
    attempt_id: uuidv7(),
    worker: 'dlq-recorder',
    finished_at: at,
    timeline: [queuedEntry(request), { state: 'failed', at, run, attempt, error }],
    state: 'failed',
    error,
  };
}

function errorOf(death: Death): Failure {
  if (death.unreadableBecause !== '') {
    return { code: 'invalid_job', reason: death.unreadableBecause.slice(0, MAX_REASON) };
  }
  return death.death.reason === 'delivery_limit'
    ? {
        code: 'workers_died',
        reason: 'Every worker that processed the job died before it could store an outcome.',
      }
    : {
        code: 'processing_failed',
        reason: `The message was dead-lettered without an outcome (${death.death.reason}).`,
      };
}
