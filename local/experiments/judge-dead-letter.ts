import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Job } from '../pipeline/api-client.ts';
import type { DeadLetter } from '../pipeline/dead-letters.ts';
import type { Conclusion } from './guide.ts';

/** What the experiment has collected. Counts are differences to its beginning. */
export interface DeadLetterEvidence {
  /** The job after its first run, and its dead letter; undefined where there was none. */
  readonly first: Job;
  readonly letter: DeadLetter | undefined;
  /** Dead letters by `/dlq/stats`, after the first run. */
  readonly after: number;
  /** Messages in the dead-letter queue, as RabbitMQ counts them; undefined where that is not known. */
  readonly inQueue: number | undefined;
  /** The job after its replay, and its dead letter then. */
  readonly second: Job;
  readonly again: DeadLetter | undefined;
  /** Dead letters by `/dlq/stats`, after it was discarded. */
  readonly end: number;
}

/** Other jobs may fail meanwhile, so counts only make a note; what must be true is judged by the job itself. */
export function judgeDeadLetter(evidence: DeadLetterEvidence): Conclusion {
  const { first, letter, after, inQueue, second, again, end } = evidence;
  const attempts = first.timeline.filter(({ state }) => state === 'processing').length;
  const saw = [
    `The job was accepted and ${first.status} after ${attempts} attempt${attempts === 1 ? '' : 's'}${first.error === undefined ? '' : ` with ${first.error.code}`}.`,
  ];
  const broken: string[] = [];
  if (first.status !== 'failed') broken.push(`The corrupted image is ${first.status}, not failed.`);
  if (letter === undefined) {
    broken.push(`Job ${first.job_id} failed, but /dlq/messages does not have it.`);
  } else {
    const { queue, reason, at } = letter.death;
    saw.push(
      `RabbitMQ took its message from ${queue} to ${queueNames.dead} at ${at}, because it was ${reason}.`,
    );
  }
  saw.push(`/dlq/stats grew by ${after}${inQueue === undefined ? '' : `, RabbitMQ's queue by ${inQueue}`}.`);
  if (after !== 1 || (inQueue ?? 1) !== 1) {
    saw.push('It was expected to grow by 1: somebody else used the system, or RabbitMQ had not counted yet.');
  }
  if (second.run === 2) saw.push(`The replay was run 2 of the same job, and it ${second.status}.`);
  else broken.push(`The job was replayed, but there is no run 2 of it.`);
  if (second.run === 2 && again === undefined) {
    broken.push(`Run 2 of job ${second.job_id} ${second.status}, but /dlq/messages does not have it.`);
  }
  saw.push(
    `After it was discarded there ${end === 0 ? 'were as many dead letters as at first' : `was a difference of ${end} to the beginning`}.`,
  );
  return {
    saw,
    broken,
    learned: [
      'A permanent failure ends a job at once; only what may pass is retried. The worker decides that by the error, and rejects the message.',
      'A rejected message is not lost: RabbitMQ moves it to the dead-letter queue and writes down from where, why and when (x-death).',
      'A dead letter waits for people. Replay it when the cause is gone, since otherwise it fails again; or discard it.',
    ],
  };
}
