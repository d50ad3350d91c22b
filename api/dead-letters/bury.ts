import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
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
import { readOutcome, recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { deadKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { v7 as uuidv7 } from 'uuid';
import { readDeath, type Death } from './read-death.ts';

/** Characters of what is wrong with a message that is no job: it may have a thousand faults. */
const MAX_REASON = 2_000;

export interface BuryDependencies {
  readonly store: ObjectStore;
  /** Resolves when everybody who follows the event log will get it. */
  readonly announce: (event: JobEvent, signal: AbortSignal) => Promise<void>;
  /** Aborts when the service stops: what waits for the store then is given back. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/**
 * The burial recorder: writes down what the broker dead-lettered. A run whose worker could not say how it ended (they
 * all died of it, or the message was no job) gets its failed outcome here. A run that completed after all gets no
 * record. Every step may be done twice; the acknowledgement is last.
 */
export function createBurial(
  dependencies: BuryDependencies,
): (message: ReceivedMessage) => Promise<Settlement> {
  const { announce, stopping } = dependencies;
  return async (message) => {
    const signal = AbortSignal.any([message.lost, stopping]);
    const death = readDeath(message, new Date());
    const log = dependencies.log.child({ job_id: death.jobId, run: death.run });
    const buried = await waitForStore(() => buryOrExplain(death, { ...dependencies, log }), signal, log);
    if (buried.ended !== undefined) await announce(buried.ended, signal);
    if (buried.record !== undefined) log.warn({ code: buried.record.error.code }, 'buried');
    return 'ack';
  };
}

/** A burial must end, or it would come round for ever: what cannot be read of a run is told as that. */
async function buryOrExplain(death: Death, { store, log }: BuryDependencies): Promise<Burial> {
  try {
    return await bury(death, store);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    log.error({ err: error }, 'cannot read what is stored of a dead run');
    const reason = 'what is stored of this run cannot be read; the log of the api says more';
    const record = {
      ...recordOf(death, death.request, undefined),
      error: { code: 'internal_error', reason },
    };
    await store.putIfAbsent(deadKey(death.jobId, death.run), jsonBody(record));
    return { record, ended: undefined };
  }
}

interface Burial {
  readonly record: DeadLetter | undefined;
  /** Told again even where the worker has told it: it may have died in between. */
  readonly ended: JobEvent | undefined;
}

async function bury(death: Death, store: ObjectStore): Promise<Burial> {
  const { jobId, run } = death;
  const request = death.request ?? (await readJson(store, requestKey(jobId, run), jobRequestSchema));
  const outcome =
    (await readOutcome(store, jobId, run)) ??
    (request && (await recordOutcome(store, outcomeOfTheDead(death, request))));
  const ended = request && outcome && endedEvent(request, outcome);
  if (outcome?.state === 'completed') return { record: undefined, ended };
  const record = recordOf(death, request, outcome);
  await store.putIfAbsent(deadKey(jobId, run), jsonBody(record));
  return { record, ended };
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
    buried_at: new Date().toISOString(),
    state: 'dead',
  };
}

/** What is said of a run whose workers could say nothing themselves. */
function outcomeOfTheDead(death: Death, request: JobRequest): FailedOutcome {
  const { run, attempt } = death;
  const error = errorOf(death);
  const at = new Date().toISOString();
  return {
    version: 1,
    job_id: request.job_id,
    run,
    attempt,
    attempt_id: uuidv7(),
    worker: 'burial',
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
    ? { code: 'workers_died', reason: 'every worker that had the job died before it could say how it ended' }
    : { code: 'processing_failed', reason: `dead-lettered without an outcome (${death.death.reason})` };
}
