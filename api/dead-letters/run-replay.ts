import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import PQueue from 'p-queue';
import type { DeadRun, ReplayProgress } from './replay-records.ts';

/** Maximum number of runs in flight after the canary: so many can fail again before a replay stops. */
const IN_FLIGHT = 10;

export interface RunReplayDeps {
  /** Replays the run; undefined if there is nothing to replay (any more). Waits for store and broker. */
  readonly replay: (dead: DeadRun) => Promise<JobRequest | undefined>;
  /** How it ended, or undefined after a time-out. */
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
