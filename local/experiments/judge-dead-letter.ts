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
      `RabbitMQ moved its message from ${queue} to ${queueNames.dead} at ${at}, because it was ${reason}.`,
    );
  }
  saw.push(`/dlq/stats grew by ${after}${inQueue === undefined ? '' : `, RabbitMQ's queue by ${inQueue}`}.`);
  if (after !== 1 || (inQueue ?? 1) !== 1) {
    saw.push(
      'An increase of 1 was expected: another client used the system, or the counts of RabbitMQ were not up to date yet.',
    );
  }
  if (second.run === 2) saw.push(`The replay was run 2 of the same job, and it ${second.status}.`);
  else broken.push(`The job was replayed, but it has no run 2.`);
  if (second.run === 2 && again === undefined) {
    broken.push(`Run 2 of job ${second.job_id} ${second.status}, but /dlq/messages does not have it.`);
  }
  saw.push(
    `After it was discarded, ${end === 0 ? 'there were as many dead letters as before the experiment' : `the number of dead letters differed by ${end} from before the experiment`}.`,
  );
  return {
    saw,
    broken,
    learned: [
      'A permanent failure ends a job immediately; only transient failures are retried. The worker decides by the error, and rejects the message.',
      'A rejected message is not lost: RabbitMQ moves it to the dead-letter queue and records its queue, reason and time (x-death).',
      'A dead letter waits for an operator. Replay it once the cause is fixed, or it fails again; or discard it.',
    ],
  };
}
