import { isDeepStrictEqual } from 'node:util';
import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { jobQueueNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { queuedEntry, type Failure, type JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { FailedOutcome, Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { isDamagedRecord, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { v7 as uuidv7 } from 'uuid';
import type { FollowedJobs } from '../jobs/followed-jobs.ts';
import { readDeath, type Death } from './read-death.ts';

/** Characters: a message that is not a valid job may have thousands of faults. */
const MAX_REASON = 2_000;

export interface RecorderDependencies {
  readonly store: ObjectStore;
  /** Resolves when the event is in the event log. */
  readonly announce: (event: JobEvent, signal: AbortSignal) => Promise<void>;
  readonly followed: Pick<FollowedJobs, 'get'>;
  /** Before it has read the event log, it does not know which events there are. */
  readonly isCaughtUp: () => boolean;
  readonly metrics: Pick<Metrics, 'increase'>;
  /** Aborts when the service stops: a message that waits for the store is then handed back. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/**
 * The DLQ recorder: stores a record of each message that the broker dead-lettered. Anyone who can publish can send such a
 * message, so the store decides: a run that has failed gets its record, and one that has completed gets none. An open run gets
 * a failed outcome only if no other outcome can come any more, see `hasLostItsWorkers`. Any other message is recorded as one
 * without a job. Every step may be repeated; the acknowledgement is last.
 */
export function createDeadLetterRecorder(
  dependencies: RecorderDependencies,
): (message: ReceivedMessage) => Promise<Settlement> {
  const { announce, stopping, metrics } = dependencies;
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
    if (record?.job_id === death.messageId) {
      metrics.increase('image_store_contradictions_total', { kind: 'dead_letter' });
    }
    return 'ack';
  };
}

/** A message that always fails would be redelivered forever, so a run that cannot be read is recorded as such. */
async function recordOrExplain(death: Death, dependencies: RecorderDependencies): Promise<Recorded> {
  const { store, log } = dependencies;
  try {
    return await recordDeath(death, dependencies);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    log.error({ err: error }, 'the stored run of a dead letter cannot be read');
    const code = isDamagedRecord(error) ? 'record_damaged' : 'internal_error';
    const reason = 'The stored data of this run cannot be read. See the API log for details.';
    const record = { ...recordOf(death, death.request, undefined), error: { code, reason } };
    await store.putIfAbsent(deadKey(death.jobId, death.run), jsonBody(record));
    return { record, ended: undefined };
  }
}

interface Recorded {
  readonly record: DeadLetter | undefined;
  /** Announced even if the worker announced it: it may have died before it could. */
  readonly ended: JobEvent | undefined;
}

async function recordDeath(
  death: Death,
  { store, followed, isCaughtUp }: RecorderDependencies,
): Promise<Recorded> {
  const { jobId, run } = death;
  const live = isCaughtUp() ? followed.get(jobId) : undefined;
  const request = await readRequest(store, jobId, run);
  const outcome = request && (await readOutcome(store, jobId, run));
  const ending =
    outcome ??
    (request !== undefined && hasLostItsWorkers(death, request, live)
      ? await recordOutcome(store, missingOutcome(death, request))
      : undefined);
  const ended = request && ending && endedEvent(request, ending);
  if (ending?.state === 'completed') return { record: undefined, ended };
  const record = ending === undefined ? strayRecord(death, request) : recordOf(death, request, ending);
  await store.putIfAbsent(deadKey(record.job_id, record.run), jsonBody(record));
  return { record, ended };
}

/**
 * Whether an open run has lost its message for good: RabbitMQ has removed exactly this message from a job queue after the last
 * permitted delivery, and nothing in the event log contradicts that: the newest event is a redelivery. A worker
 * rejects a message only after it has stored an outcome. If this function wrongly returns false, the run is in no queue,
 * and the ledger republishes it.
 * @param live undefined if the event log does not know the job, or has not been read yet
 */
function hasLostItsWorkers(
  { death, request, unreadableBecause }: Death,
  stored: JobRequest,
  live: JobView | undefined,
): boolean {
  if (unreadableBecause !== '' || !isDeepStrictEqual(request, stored)) return false;
  if (death.reason !== 'delivery_limit' || !jobQueueNames.includes(death.queue)) return false;
  if (live?.request.run !== stored.run) return live === undefined;
  const newest = live.timeline.at(-1);
  return newest?.redelivered === true || newest?.state === 'redelivered';
}

/** Of a message that belongs to no job, or to one that is still open. It can only be removed. */
function strayRecord(death: Death, request: JobRequest | undefined): DeadLetter {
  const { messageId, jobId, run, unreadableBecause } = death;
  const open = `Run ${run} of job ${jobId} is still open: its own message is elsewhere.`;
  const claim = request === undefined ? `There is no run ${run} of job ${jobId}.` : open;
  const reason = unreadableBecause === '' ? claim : unreadableBecause.slice(0, MAX_REASON);
  return {
    ...recordOf(death, request, undefined),
    job_id: messageId,
    run: 1,
    error: { code: 'invalid_job', reason },
  };
}

/**
 * Records a failed run that an event told of, unless it has a record, or has not failed. @returns whether it is new
 * @throws StoreUnavailable; safe to call again
 */
export async function recordFailure(
  { job_id, run }: Pick<JobRequest, 'job_id' | 'run'>,
  store: Pick<ObjectStore, 'get' | 'stat' | 'putIfAbsent'>,
): Promise<boolean> {
  const key = deadKey(job_id, run);
  if ((await store.stat(key)) !== undefined) return false;
  const request = await readRequest(store, job_id, run);
  const outcome = request && (await readOutcome(store, job_id, run));
  if (outcome?.state !== 'failed') return false;
  const { attempt } = outcome;
  const death: Death = {
    jobId: job_id,
    messageId: '',
    run,
    attempt,
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
