import { hasEnded, shortId, type Course } from './course.ts';

/** What one part of the experiment has shown. */
export interface Finding {
  readonly saw: readonly string[];
  readonly broken: readonly string[];
}

const jobs = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`);
const listed = (ids: readonly string[]): string => ids.map(shortId).join(', ');

/**
 * A worker was stopped in the middle of its work.
 * @param held the jobs that it was processing then
 * @param courses of all jobs, when they have ended
 */
export function judgeGracefulStop(
  worker: string,
  held: ReadonlySet<string>,
  stoppedAt: number,
  courses: readonly Course[],
): Finding {
  const finished = courses.filter(
    (course) => held.has(course.jobId) && course.worker === worker && !course.redelivered,
  );
  const handedBack = courses.filter(({ jobId, redelivered }) => held.has(jobId) && redelivered);
  const later = courses.filter(({ startedAt = 0 }) => startedAt > stoppedAt);
  const byOthers = later.filter((course) => course.worker !== worker);
  const saw = [
    `${worker} was processing ${jobs(held.size)} when it was stopped, and finished ${finished.length} of them.`,
    `${jobs(later.length)} started after the stop, ${byOthers.length} of them on other workers.`,
  ];
  if (handedBack.length > 0) {
    saw.push(
      `It did not finish ${listed(handedBack.map(({ jobId }) => jobId))} in time and returned them to the queue.`,
    );
  }
  return { saw, broken: notEnded(courses) };
}

/**
 * A worker was killed in the middle of its work.
 * @param held the jobs that it was processing then
 * @param courses of all jobs, when they have ended
 */
export function judgeKill(
  worker: string,
  held: ReadonlySet<string>,
  killedAt: number,
  courses: readonly Course[],
): Finding {
  const own = courses.filter(({ jobId }) => held.has(jobId));
  const redelivered = own.filter((course) => course.redelivered);
  const saw = redelivered.map((course) => {
    const seconds = (((course.startedAt ?? killedAt) - killedAt) / 1_000).toFixed(1);
    const whom = course.worker === worker ? `${worker} itself, restarted by then,` : course.worker;
    return `Job ${shortId(course.jobId)} was on ${worker} when it was killed. RabbitMQ redelivered it: ${whom ?? 'no worker'} started it ${seconds} s after the kill.`;
  });
  const before = own.filter((course) => !course.redelivered && hasEnded(course));
  if (before.length > 0) {
    const ids = listed(before.map(({ jobId }) => jobId));
    saw.push(
      `${worker} had just finished ${ids} when it was killed, so no job was redelivered. Run the experiment again to see a redelivery.`,
    );
  }
  return { saw, broken: notEnded(courses) };
}

/**
 * All workers were stopped.
 * @param waiting jobs that no worker had started then
 * @param ready messages that RabbitMQ counted in the queue; undefined where it did not say
 */
export function judgeStandstill(
  waiting: ReadonlySet<string>,
  ready: number | undefined,
  courses: readonly Course[],
): Finding {
  const counted = ready === undefined ? '' : `, and RabbitMQ counted ${ready} in the queue`;
  const ended = courses.filter((course) => waiting.has(course.jobId) && hasEnded(course));
  return {
    saw: [
      `Without workers, ${jobs(waiting.size)} waited${counted}. After the start, ${ended.length} of them finished.`,
    ],
    broken: notEnded(courses),
  };
}

/** Jobs that monitoring has counted meanwhile. */
export interface Counted {
  readonly accepted: number;
  readonly completed: number;
  readonly failed: number;
}

/** Whether every accepted job has ended exactly once. @param counted undefined where monitoring did not answer */
export function judgeTally(courses: readonly Course[], counted: Counted | undefined): Finding {
  const completed = courses.filter(({ status }) => status === 'completed').length;
  const failed = courses.filter(({ status }) => status === 'failed').length;
  const open = courses.length - completed - failed;
  const rest = open === 0 ? '' : ` + ${open} open`;
  const saw = [`${courses.length} accepted = ${completed} completed + ${failed} failed${rest}.`];
  const twice = courses.filter(({ ends }) => ends > 1).map(({ jobId }) => jobId);
  const broken = twice.length === 0 ? [] : [`These jobs finished more than once: ${listed(twice)}.`];
  if (counted === undefined) {
    saw.push(
      'There is no second count: the monitoring service did not respond, or did not count all jobs in time.',
    );
    return { saw, broken };
  }
  const ends = counted.completed + counted.failed;
  const says = `${counted.accepted} accepted, ${counted.completed} completed, ${counted.failed} failed`;
  if (counted.accepted > courses.length) {
    saw.push(`The monitoring service counted ${says}: another client used the system as well.`);
  } else if (ends > courses.length) {
    broken.push(`The monitoring service counted ${says}: more finished jobs than accepted ones.`);
  } else {
    saw.push(`The monitoring service counted the same from the events: ${says}.`);
  }
  return { saw, broken };
}

/** Every job of this experiment can be processed: one that has failed, or has not ended, was let down. */
function notEnded(courses: readonly Course[]): string[] {
  return courses
    .filter(({ status }) => status !== 'completed')
    .map(({ jobId, status }) => `Job ${jobId} is ${status}, not completed.`);
}
