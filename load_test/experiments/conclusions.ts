import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Job } from '../../local/pipeline/api-client.ts';
import type { DeadLetter } from '../../local/pipeline/dead-letters.ts';
import { countJobs, percentilesOf, recoveries, timesToResult } from '../calculate.ts';
import { count } from '../report/format.ts';
import type { LoadTestResult } from '../result.ts';
import type { Conclusion } from './guide.ts';
import { type JobHistory, hasEnded, shortId } from './job-batches.ts';

/** The result of one part of an experiment. */
export interface Finding {
  readonly observed: readonly string[];
  readonly violations: readonly string[];
}

const listed = (ids: readonly string[]): string => ids.map(shortId).join(', ');

/**
 * Experiment 1, after a worker was stopped.
 * @param inProgress the jobs that it was processing at that moment
 * @param histories of all jobs, when they have ended
 */
export function concludeStop(
  worker: string,
  inProgress: ReadonlySet<string>,
  stoppedAt: number,
  histories: readonly JobHistory[],
): Finding {
  const finished = histories.filter(
    (history) => inProgress.has(history.jobId) && history.worker === worker && !history.redelivered,
  );
  const returned = histories.filter(({ jobId, redelivered }) => inProgress.has(jobId) && redelivered);
  const later = histories.filter(({ startedAt = 0 }) => startedAt > stoppedAt);
  const byOthers = later.filter((history) => history.worker !== worker);
  const observed = [
    `${worker} was processing ${count(inProgress.size, 'job')} when it was stopped, and finished ${finished.length} of them.`,
    `${count(later.length, 'job')} started after the stop, ${byOthers.length} of them on other workers.`,
  ];
  if (returned.length > 0) {
    observed.push(
      `It did not finish ${listed(returned.map(({ jobId }) => jobId))} in time and returned them to the queue.`,
    );
  }
  return { observed, violations: notEnded(histories) };
}

/**
 * Experiment 1, after a worker was killed.
 * @param inProgress the jobs that it was processing at that moment
 * @param histories of all jobs, when they have ended
 */
export function concludeKill(
  worker: string,
  inProgress: ReadonlySet<string>,
  killedAt: number,
  histories: readonly JobHistory[],
): Finding {
  const own = histories.filter(({ jobId }) => inProgress.has(jobId));
  const redelivered = own.filter((history) => history.redelivered);
  const observed = redelivered.map((history) => {
    const seconds = (((history.startedAt ?? killedAt) - killedAt) / 1_000).toFixed(1);
    const whom = history.worker === worker ? `${worker} itself, restarted by then,` : history.worker;
    return `Job ${shortId(history.jobId)} was on ${worker} when it was killed. RabbitMQ redelivered it: ${whom ?? 'no worker'} started it ${seconds} s after the kill.`;
  });
  const before = own.filter((history) => !history.redelivered && hasEnded(history));
  if (before.length > 0) {
    const ids = listed(before.map(({ jobId }) => jobId));
    observed.push(
      `${worker} had just finished ${ids} when it was killed, so no job was redelivered. Run the experiment again to see a redelivery.`,
    );
  }
  return { observed, violations: notEnded(histories) };
}

/**
 * Experiment 1, after all workers were stopped.
 * @param waiting jobs that no worker had started at that moment
 * @param ready messages in the queue according to RabbitMQ; undefined if unknown
 */
export function concludeNoWorkers(
  waiting: ReadonlySet<string>,
  ready: number | undefined,
  histories: readonly JobHistory[],
): Finding {
  const counted = ready === undefined ? '' : `, and RabbitMQ counted ${ready} in the queue`;
  const ended = histories.filter((history) => waiting.has(history.jobId) && hasEnded(history));
  return {
    observed: [
      `Without workers, ${count(waiting.size, 'job')} waited${counted}. After the start, ${ended.length} of them finished.`,
    ],
    violations: notEnded(histories),
  };
}

/** Jobs of the experiment, counted from their status or by monitoring. */
export interface Counted {
  readonly accepted: number;
  readonly completed: number;
  readonly failed: number;
}

export function countHistories(histories: readonly JobHistory[]): Counted {
  const having = (wanted: JobHistory['status']) => histories.filter(({ status }) => status === wanted).length;
  return { accepted: histories.length, completed: having('completed'), failed: having('failed') };
}

/** Whether every accepted job ended exactly once. @param counted undefined if monitoring did not respond */
export function concludeTotals(histories: readonly JobHistory[], counted: Counted | undefined): Finding {
  const { accepted, completed, failed } = countHistories(histories);
  const open = accepted - completed - failed;
  const rest = open === 0 ? '' : ` + ${open} open`;
  const observed = [`${accepted} accepted = ${completed} completed + ${failed} failed${rest}.`];
  const twice = histories.filter(({ ends }) => ends > 1).map(({ jobId }) => jobId);
  const violations = twice.length === 0 ? [] : [`These jobs finished more than once: ${listed(twice)}.`];
  if (counted === undefined) {
    observed.push(
      'There is no second count: the monitoring service did not respond, or did not count all jobs in time.',
    );
    return { observed, violations };
  }
  const ends = counted.completed + counted.failed;
  const says = `${counted.accepted} accepted, ${counted.completed} completed, ${counted.failed} failed`;
  if (counted.accepted > accepted) {
    observed.push(`The monitoring service counted ${says}: another client used the system as well.`);
  } else if (ends > accepted) {
    violations.push(`The monitoring service counted ${says}: more finished jobs than accepted ones.`);
  } else {
    observed.push(`The monitoring service counted the same from the events: ${says}.`);
  }
  return { observed, violations };
}

/** All jobs of the experiment use a valid image, so each must complete. */
function notEnded(histories: readonly JobHistory[]): string[] {
  return histories
    .filter(({ status }) => status !== 'completed')
    .map(({ jobId, status }) => `Job ${jobId} is ${status}, not completed.`);
}

/** The evidence of experiment 3. Counts are differences to its start. */
export interface DeadLetterEvidence {
  /** The job after its first run, and its dead letter; undefined if there was none. */
  readonly first: Job;
  readonly letter: DeadLetter | undefined;
  /** Dead letters by `/dlq/stats`, after the first run. */
  readonly after: number;
  /** Messages in the dead-letter queue according to RabbitMQ; undefined if unknown. */
  readonly inQueue: number | undefined;
  /** The job and its dead letter after the replay. */
  readonly second: Job;
  readonly again: DeadLetter | undefined;
  /** Dead letters by `/dlq/stats`, after it was discarded. */
  readonly end: number;
}

/** Other jobs may fail during the experiment, so an unexpected count is a note; only the job itself can violate a promise. */
export function concludeDeadLetter(evidence: DeadLetterEvidence): Conclusion {
  const { first, letter, after, inQueue, second, again, end } = evidence;
  const attempts = first.timeline.filter(({ state }) => state === 'processing').length;
  const observed = [
    `The job was accepted and ${first.status} after ${count(attempts, 'attempt')}${first.error === undefined ? '' : ` with ${first.error.code}`}.`,
  ];
  const violations: string[] = [];
  if (first.status !== 'failed') violations.push(`The corrupted image is ${first.status}, not failed.`);
  if (letter === undefined) {
    violations.push(`Job ${first.job_id} failed, but /dlq/messages does not have it.`);
  } else {
    const { queue, reason, at } = letter.death;
    observed.push(
      `RabbitMQ moved its message from ${queue} to ${queueNames.dead} at ${at}, because it was ${reason}.`,
    );
  }
  observed.push(
    `/dlq/stats grew by ${after}${inQueue === undefined ? '' : `, RabbitMQ's queue by ${inQueue}`}.`,
  );
  if (after !== 1 || (inQueue ?? 1) !== 1) {
    observed.push(
      'An increase of 1 was expected: another client used the system, or the counts of RabbitMQ were not up to date yet.',
    );
  }
  if (second.run === 2) observed.push(`The replay was run 2 of the same job, and it ${second.status}.`);
  else violations.push(`The job was replayed, but it has no run 2.`);
  if (second.run === 2 && again === undefined) {
    violations.push(`Run 2 of job ${second.job_id} ${second.status}, but /dlq/messages does not have it.`);
  }
  observed.push(
    `After it was discarded, ${end === 0 ? 'there were as many dead letters as before the experiment' : `the number of dead letters differed by ${end} from before the experiment`}.`,
  );
  return {
    observed,
    violations,
    lessons: [
      'A permanent failure ends a job immediately; only transient failures are retried. The worker decides by the error, and rejects the message.',
      'A rejected message is not lost: RabbitMQ moves it to the dead-letter queue and records its queue, reason and time (x-death).',
      'A dead letter waits for an operator. Replay it once the cause is fixed, or it fails again; or discard it.',
    ],
  };
}

/** Experiment 2, from the result of its burst test. */
export function concludePeakLoad(result: LoadTestResult): Conclusion {
  const { uploads, jobs, lost, stopped } = result;
  const { completed, failed, open } = countJobs(jobs);
  const refused = Object.entries(uploads.refused).map(([code, number]) => `${number} refused (${code})`);
  const observed = [
    `${[`${uploads.accepted} of ${uploads.sent} images were accepted`, ...refused].join(', ')}.`,
    `${uploads.accepted} accepted = ${completed} completed + ${failed} failed${open === 0 ? '' : ` + ${open} open`}.`,
  ];
  const times = percentilesOf(timesToResult(jobs));
  if (times !== null && uploads.seconds !== null) {
    observed.push(
      `Half of the uploads took at most ${uploads.seconds.p50.toFixed(2)} s, half of the results at most ${times.p50.toFixed(1)} s: the difference is mostly waiting.`,
    );
  }
  observed.push(...recoveries(result).map(recoveryLine));
  if (stopped === 'interrupted') observed.push('The test was interrupted, so this is only a part of it.');
  return {
    observed,
    violations: lost === 0 ? [] : [`${count(lost, 'accepted job')} did not end.`],
    lessons: [
      'The queue turns a peak into waiting time: an upload does not wait for a worker, and no accepted image is lost.',
      'Throughput does not grow with the peak: it is what the workers can process. The queue shrinks only while they process more than arrives.',
      'If the next burst arrives before the queue has recovered, the backlog grows from burst to burst. Only more capacity or fewer images help.',
    ],
  };
}

function recoveryLine({ number, before, peak, seconds }: ReturnType<typeof recoveries>[number]): string {
  const start = before === 0 ? 'found an empty queue' : `found ${before} images still waiting`;
  const end =
    seconds === null
      ? 'it did not recover'
      : `it was back at that level ${seconds.toFixed(1)} s after the burst`;
  return `Burst ${number} ${start}; the queue rose to ${peak}, and ${end}.`;
}
