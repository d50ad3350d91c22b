import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DeadLetter, storedDeadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { deadKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { linkWith } from '@image-pipeline/shared/tracing/spans.ts';
import PQueue from 'p-queue';
import type { FollowedJobs } from '../jobs/followed-jobs.ts';
import { markDeadLetter } from './dead-letters.ts';
import type { DeadRun, ReplayProgress } from './replay-records.ts';

/** Maximum number of runs in flight after the canary: so many can fail again before a replay stops. */
const IN_FLIGHT = 10;

export interface RunReplayDeps {
  /** Replays the run; undefined if there is nothing to replay (any more). Waits for store and broker. */
  readonly replay: (dead: DeadRun) => Promise<JobRequest | undefined>;
  /** How it ended, or undefined after a timeout. */
  readonly awaitOutcome: (request: JobRequest) => Promise<Outcome | undefined>;
}

/**
 * Replays one run alone, the canary, and once one has completed, up to ten at a time. The first that fails again, or does
 * not end in time, stops the rest: they stay in the DLQ. Runs that have begun are followed to their end. Resolves when
 * nothing is in flight; can resume an interrupted replay from its state.
 */
export async function runReplay(
  runs: readonly DeadRun[],
  progress: ReplayProgress,
  { replay, awaitOutcome }: RunReplayDeps,
): Promise<void> {
  const { jobs } = progress;
  const hasCompleted = () => jobs.includes('completed');
  const window = new PQueue({ concurrency: hasCompleted() ? IN_FLIGHT : 1 });
  let isBroken = false;

  const follow = async (dead: DeadRun, index: number) => {
    const isBegun = jobs[index] === 'replayed';
    if (isBroken || (progress.reason !== null && !isBegun)) return;
    const request = await replay(dead);
    jobs[index] = request === undefined ? 'skipped' : 'replayed';
    if (request === undefined) return;
    const outcome = await awaitOutcome(request);
    if (outcome === undefined) {
      progress.reason ??= `run ${request.run} of job ${dead.job_id} did not end in time`;
      return;
    }
    jobs[index] = outcome.state;
    if (outcome.state === 'completed') window.concurrency = IN_FLIGHT;
    else progress.reason ??= failedAgain(request, outcome.error.code);
  };

  const all = runs.map((dead, index) =>
    window.add(async () => {
      if (jobs[index] !== 'waiting' && jobs[index] !== 'replayed') return;
      try {
        await follow(dead, index);
      } catch (error) {
        isBroken = true;
        throw error;
      }
    }),
  );
  const broken = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected');
  if (broken?.status === 'rejected') throw broken.reason;
}

function failedAgain({ job_id, run }: JobRequest, code: string): string {
  return `job ${job_id} failed again in run ${run} (${code})`;
}

export interface ReplayRunDeps {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'putIfAbsent'>;
  /** Publishes the job; retries until the broker confirms. */
  readonly publish: (request: JobRequest) => Promise<void>;
  /** Called for every queued run; must not throw. */
  readonly onQueued: (request: JobRequest) => void;
}

/**
 * Replays a dead run as the next run of its job: request → publish → mark. Idempotent: after a crash, or concurrently with
 * another replica, calling it again completes it. Of several requests for the next run the first one wins, and only that
 * one is published. A stored request is never removed, because another replica may have published it; it is published as
 * soon as the broker accepts it.
 * @returns the request of the next run; undefined if there is nothing to replay (any more)
 */
export async function replayRun(dead: DeadRun, deps: ReplayRunDeps): Promise<JobRequest | undefined> {
  const { store, publish, onQueued } = deps;
  const deadLetter = await readJson(store, deadKey(dead.job_id, dead.run), storedDeadLetterSchema);
  if (deadLetter === undefined) return undefined;
  linkWith(deadLetter.traceparent);
  const request = await requestNextRun(deadLetter, store);
  if (request === undefined) return undefined;
  if ((await readOutcome(store, request.job_id, request.run)) === undefined) {
    await publish(request);
    onQueued(request);
  }
  await markDeadLetter(store, deadLetter, 'replayed');
  return request;
}

async function requestNextRun(
  { job_id, run, state }: DeadLetter,
  store: ReplayRunDeps['store'],
): Promise<JobRequest | undefined> {
  const begun = await readRequest(store, job_id, run + 1);
  if (begun !== undefined || state !== 'dead') return begun;
  const request = await readRequest(store, job_id, run);
  if (request === undefined) return undefined;
  const again = { ...request, run: run + 1, submitted_at: new Date().toISOString() };
  if (await store.putIfAbsent(requestKey(job_id, run + 1), jsonBody(again))) return again;
  return readRequest(store, job_id, run + 1);
}

/** The event of an end may be lost, so the store is polled this often (ms). */
const POLL_MS = 2_000;

export interface AwaitOutcomeDeps {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly followed: Pick<FollowedJobs, 'ends'>;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** How a run ended; undefined after `timeoutMs`. Rejects when `signal` aborts. */
export async function awaitOutcome(
  { job_id, run }: Pick<JobRequest, 'job_id' | 'run'>,
  timeoutMs: number,
  { store, followed, signal, log }: AwaitOutcomeDeps,
): Promise<Outcome | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const over = new AbortController();
    const enough = AbortSignal.any([signal, over.signal]);
    // Listens before it reads, so that no end is missed in between.
    const ended = once(followed.ends, job_id, { signal: enough }).catch(() => undefined);
    try {
      const outcome = await waitForStore(() => readOutcome(store, job_id, run), signal, log);
      const left = deadline - performance.now();
      if (outcome !== undefined || left <= 0) return outcome;
      const check = sleep(Math.min(left, POLL_MS), undefined, { signal: enough }).catch(() => undefined);
      await Promise.race([ended, check]);
      signal.throwIfAborted();
    } finally {
      over.abort();
    }
  }
}

const MAX_CONCURRENT_CHECKS = 16;

/**
 * A replica may have died between queueing a run and recording that. Runs with a request in the store have begun: they are
 * followed to their end even if the replay has stopped, so that they are published. @throws StoreUnavailable
 */
export async function catchUp(
  runs: readonly DeadRun[],
  { jobs }: ReplayProgress,
  store: Pick<ObjectStore, 'stat'>,
): Promise<void> {
  const checks = new PQueue({ concurrency: MAX_CONCURRENT_CHECKS });
  const check = async ({ job_id, run }: DeadRun, index: number) => {
    if (jobs[index] !== 'waiting') return;
    if ((await store.stat(requestKey(job_id, run + 1))) !== undefined) jobs[index] = 'replayed';
  };
  await checks.addAll(runs.map((dead, index) => () => check(dead, index)));
}
