import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { Consumer } from '@image-pipeline/shared/broker/consumer.ts';
import { publishUntilConfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { isDamagedRecord } from '@image-pipeline/shared/errors.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { jobMessage } from '@image-pipeline/shared/jobs/job-message.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { inConsumerSpans } from '@image-pipeline/shared/tracing/messaging.ts';
import { inOwnTrace } from '@image-pipeline/shared/tracing/spans.ts';
import type { FollowedJobs } from '../jobs/followed-jobs.ts';
import { DeadLetters } from './dead-letters.ts';
import { createDeadLetterRecorder } from './record-dead-letter.ts';
import { type DeadRun, ReplayRecords, type ReplayProgress } from './replay-records.ts';
import { Replays } from './replays.ts';
import { awaitOutcome, catchUp, replayRun, runReplay } from './run-replay.ts';
import { Sweeper, sweepQueue } from './sweeper.ts';
import { UnrecordedFailures } from './unrecorded-failures.ts';

/** Dead letters that the DLQ recorder of one replica processes at the same time. */
const RECORDER_PREFETCH = 8;

export interface DeadLetterQueueDeps {
  readonly store: ObjectStore;
  readonly broker: Broker;
  readonly followed: FollowedJobs;
  readonly isCaughtUp: () => boolean;
  readonly metrics: Pick<Metrics, 'increase'>;
  /** Called for every queued run. */
  readonly onQueued: (request: JobRequest) => void;
  readonly storeWatch: Pick<StoreWatch, 'whenAvailable'>;
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal;
  /** See UnrecordedFailures, in milliseconds. */
  readonly unrecordedAfterMs: number;
  /** How long a replay waits for each job, in milliseconds. */
  readonly replayTimeoutMs: number;
  readonly log: Logger;
}

/** Recording, reading, replaying and removing dead letters. */
export interface DeadLetterQueue {
  readonly recorder: Consumer;
  readonly unrecorded: UnrecordedFailures;
  readonly deadLetters: DeadLetters;
  readonly sweeper: Sweeper;
  readonly replayRecords: ReplayRecords;
  readonly replays: Replays;
}

/** Nothing runs before its parts are started. */
export function createDeadLetterQueue(deps: DeadLetterQueueDeps): DeadLetterQueue {
  const { store, broker, followed, onQueued, storeWatch, stopping, replayTimeoutMs, log } = deps;
  const mayConsume = (signal: AbortSignal) => storeWatch.whenAvailable(signal);
  const recordDeadLetter = createDeadLetterRecorder({
    store,
    followed,
    isCaughtUp: deps.isCaughtUp,
    metrics: deps.metrics,
    announce: (event, signal) => publishUntilConfirmed(broker.publisher, eventMessage(event), signal),
    stopping,
    log,
  });
  const recorder = broker.consumer({
    queue: queueNames.deadRecorder,
    prefetch: RECORDER_PREFETCH,
    onDelivery: inConsumerSpans(queueNames.deadRecorder, recordDeadLetter),
    mayConsume,
  });
  const unrecorded = new UnrecordedFailures({ store, lostAfterMs: deps.unrecordedAfterMs, log });
  const deadLetters = new DeadLetters(store, log);
  const sweeper = new Sweeper({
    sweep: (signal) => sweepQueue({ broker, deadLetters, store }, signal),
    log,
  });
  const replay = async (dead: DeadRun, signal: AbortSignal) => {
    const ofJob = log.child({ job_id: dead.job_id });
    const publish = (request: JobRequest) =>
      publishUntilConfirmed(broker.publisher, jobMessage(request), signal);
    const replaying = waitForStore(() => replayRun(dead, { store, publish, onQueued }), signal, ofJob);
    const request = await replaying.catch((error: unknown) => skipUnreadable(error, dead, ofJob));
    if (request === undefined) return undefined;
    ofJob.info({ run: request.run }, 'replayed');
    sweeper.request([dead]);
    return request;
  };
  const run = async (runs: readonly DeadRun[], progress: ReplayProgress, signal: AbortSignal) => {
    await waitForStore(() => catchUp(runs, progress, store), signal, log);
    await runReplay(runs, progress, {
      // One trace of thousands of jobs would be useless.
      replay: (dead) => inOwnTrace('replay job', () => replay(dead, signal)),
      awaitOutcome: (request) => {
        const ofJob = log.child({ job_id: request.job_id });
        return awaitOutcome(request, replayTimeoutMs, { store, followed, signal, log: ofJob });
      },
    });
  };
  const replayRecords = new ReplayRecords(store);
  const replays = new Replays({
    broker,
    records: replayRecords,
    run,
    mayConsume,
    log,
  });
  return { recorder, unrecorded, deadLetters, sweeper, replayRecords, replays };
}

/** An unreadable record must not block the others. */
function skipUnreadable(error: unknown, dead: DeadRun, log: Logger): undefined {
  if (!isDamagedRecord(error)) throw error;
  log.error({ err: error, run: dead.run }, 'cannot replay this run: skipped');
}
