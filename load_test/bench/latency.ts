import type { System } from '../../testing/start-system.ts';
import { upload, type BenchImage } from './upload.ts';
import type { JobWatcher } from './watch-jobs.ts';

/** Milliseconds, one entry a job. */
export interface Latencies {
  /** From the 202 in the client's hand to the worker's start; negative where the worker was faster. */
  readonly toStart: readonly number[];
  /** From the outcome to its event in a subscriber's hand. */
  readonly toSubscriber: readonly number[];
}

/** One upload after the other through a system that has nothing else to do. All clocks are of one machine. */
export async function idleLatencies(
  system: System,
  watcher: JobWatcher,
  image: BenchImage,
  count: number,
): Promise<Latencies> {
  const toStart: number[] = [];
  const toSubscriber: number[] = [];
  for (let index = 0; index < count; index++) {
    const { jobId, acceptedAt } = await upload(system.apiUrl, image);
    await watcher.ended(jobId);
    for (const { type, happenedAt, seenAt } of watcher.eventsOf(jobId)) {
      if (type === 'job.started') toStart.push(happenedAt - acceptedAt);
      if (type === 'job.completed') toSubscriber.push(seenAt - happenedAt);
    }
  }
  return { toStart, toSubscriber };
}
