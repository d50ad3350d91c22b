import type { ApiClient } from '../pipeline/api-client.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { UserError } from '../user-error.ts';
import { courseColumns, courseRows, hasEnded, isInProgress, type Course } from './course.ts';
import { inProgressOn, JobBatches } from './job-batches.ts';
import type { Conclusion, Guide } from './guide.ts';
import {
  judgeGracefulStop,
  judgeKill,
  judgeStandstill,
  judgeTally,
  type Counted,
  type Finding,
} from './judge-fault-tolerance.ts';
import type { Monitoring } from './monitoring.ts';
import { until } from './until.ts';

/** A worker that was killed is ready again well before. */
const BACK_MS = 30_000;
/** RabbitMQ's counts are some 5 s old, and monitoring's as well. */
const COUNTED_MS = 20_000;

export interface FaultToleranceSystem {
  readonly api: ApiClient;
  readonly monitoring: Monitoring;
  readonly workers: Pick<Runtime, 'workers' | 'stopWorker' | 'startWorker' | 'stopWorkers' | 'startWorkers'>;
}

/**
 * Experiment 1: stops a worker, kills one, and stops all of them, each while jobs are in progress. At least two workers
 * must be ready; afterwards there are as many again.
 * @throws UserError if a job was lost, or ended twice
 */
export async function faultTolerance(guide: Guide, system: FaultToleranceSystem): Promise<void> {
  const jobs = new JobBatches(guide, system);
  const totals = await system.monitoring.totals();
  guide.title(
    'Experiment 1: fault tolerance',
    'You will stop and kill workers, and see which worker had which job, and what happened to it. ' +
      'A worker acknowledges a job only after its result is stored. Until then, RabbitMQ keeps the message.',
  );
  const findings = [
    await stopOne(guide, system, jobs),
    await killOne(guide, system, jobs),
    await stopAll(guide, system, jobs),
    await tally(guide, system, jobs, totals),
  ];
  guide.conclude(conclusionOf(findings));
}

async function stopOne(guide: Guide, { workers }: FaultToleranceSystem, jobs: JobBatches): Promise<Finding> {
  guide.step('A worker is stopped while it processes jobs');
  await guide.predict('a worker is stopped while it processes a job. What happens to the job?', [
    'it is lost',
    'another worker starts it again',
    'the worker finishes it first',
  ]);
  const all = await jobs.known();
  const slots = await jobs.slots(all.length);
  await jobs.upload(2 * slots + all.length);
  await jobs.untilBusy(all);
  const newest = all.at(-1);
  if (newest === undefined) throw new UserError('No worker is ready. To start one: make start-worker');
  const stoppedAt = Date.now();
  const before = await jobs.look();
  guide.say(counts(before));
  const held = inProgressOn(newest, before);
  await guide.run('make stop-worker', () => workers.stopWorker());
  const courses = await jobs.ended();
  guide.evidence('Times are relative to the stop:', courseColumns, courseRows(courses, stoppedAt));
  guide.say(counts(courses));
  await guide.run('make start-worker', () => workers.startWorker());
  return judgeGracefulStop(newest.name, held, stoppedAt, courses);
}

async function killOne(
  guide: Guide,
  { api, workers }: FaultToleranceSystem,
  jobs: JobBatches,
): Promise<Finding> {
  guide.step('A worker is killed while it processes jobs');
  await guide.predict('kill -9 ends a worker without any clean-up. What happens to its job?', [
    'it is lost',
    'RabbitMQ redelivers it to another worker immediately',
    'RabbitMQ redelivers it to another worker after a timeout',
  ]);
  const all = await jobs.known();
  // Half of the slots stay free, so that somebody can take over at once.
  await jobs.upload(Math.max(1, Math.floor((await jobs.slots(all.length)) / 2)));
  const before = await jobs.untilStarted();
  const newest = before.filter(isInProgress).toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0))[0];
  const victim = all.find(({ name }) => name === newest?.worker) ?? all[0];
  if (victim === undefined) throw new UserError('No worker is ready. To start one: make start-worker');
  const held = inProgressOn(victim, before);
  const killedAt = Date.now();
  await guide.run(victim.kill.line, () => victim.kill.run());
  guide.evidence(
    `Before ${victim.name} was killed (times relative to the kill):`,
    courseColumns,
    courseRows(before, killedAt),
  );
  const courses = await jobs.ended();
  guide.evidence('After the kill:', courseColumns, courseRows(courses, killedAt));
  const [example] = [...held];
  if (example !== undefined) await showTimeline(guide, api, example, jobs);
  if (victim.isRestarted) {
    guide.say(`The supervisor restarts ${victim.name}.`);
  } else {
    guide.say(
      `Docker does not restart a container that was killed by hand, so you have to start ${victim.name}.`,
    );
    await guide.run('make start-worker', () => workers.startWorker());
  }
  const back = await until(async () => ((await workers.workers()).length >= all.length ? true : undefined), {
    deadlineMs: BACK_MS,
    stop: guide.stop,
  });
  const missing =
    back === true ? [] : [`${victim.name} was not ready ${BACK_MS / 1_000} s after it was killed.`];
  const finding = judgeKill(victim.name, held, killedAt, courses);
  return { ...finding, broken: [...finding.broken, ...missing] };
}

/** The start that counts is the newest: that of the worker that died is gone from the timeline. */
async function showTimeline(guide: Guide, api: ApiClient, jobId: string, jobs: JobBatches): Promise<void> {
  const { timeline } = await guide.run(`curl "${api.url}/status/${jobId}"`, () => api.job(jobId));
  const columns = ['STATE', 'AT', 'WORKER', 'REDELIVERED'].map((title) => ({ title }));
  const rows = timeline.map(({ state, at, worker, redelivered }) => [
    state,
    at,
    worker === undefined ? '-' : jobs.nameOf(worker),
    redelivered === undefined ? '-' : String(redelivered),
  ]);
  guide.evidence('Its timeline:', columns, rows);
}

async function stopAll(guide: Guide, system: FaultToleranceSystem, jobs: JobBatches): Promise<Finding> {
  const { workers, monitoring } = system;
  guide.step('All workers are stopped');
  await guide.predict('no worker is running, and jobs are waiting. What does RabbitMQ do with them?', [
    'it drops them after a while',
    'it keeps them until a worker starts',
    'uploads return an error',
  ]);
  const all = await jobs.known();
  await jobs.upload(2 * (await jobs.slots(all.length)));
  await jobs.untilBusy(all);
  await guide.run(workers.stopWorkers.line, () => workers.stopWorkers.run());
  const stoppedAt = Date.now();
  const before = await jobs.look();
  const waiting = new Set(before.filter((course) => !hasEnded(course)).map(({ jobId }) => jobId));
  guide.say(counts(before));
  const queue = await jobs.queueWith(waiting.size);
  if (queue !== undefined) {
    if (monitoring.url !== undefined) guide.show(`curl "${monitoring.url}/status"`);
    guide.evidence(
      'The queue, as RabbitMQ reports it:',
      [
        { title: 'QUEUE' },
        { title: 'READY', align: 'right' },
        { title: 'UNACKED', align: 'right' },
        { title: 'CONSUMERS', align: 'right' },
      ],
      [[queue.name, ...[queue.ready, queue.unacked, queue.consumers].map((count) => String(count ?? '-'))]],
    );
  }
  const start = workers.startWorkers(all.length);
  await guide.run(start.line, () => start.run());
  const courses = await jobs.ended();
  guide.evidence('Times are relative to the stop:', courseColumns, courseRows(courses, stoppedAt));
  return judgeStandstill(waiting, queue?.ready ?? undefined, courses);
}

/** Nothing lost, nothing twice. */
async function tally(
  guide: Guide,
  { monitoring }: FaultToleranceSystem,
  jobs: JobBatches,
  before: Counted | undefined,
): Promise<Finding> {
  guide.step('The total');
  const courses = await jobs.all();
  const count = courses.length;
  const counted =
    before &&
    (await until(
      async () => {
        const now = await monitoring.totals();
        if (now === undefined) return undefined;
        const since = difference(before, now);
        return since.completed + since.failed >= count ? since : undefined;
      },
      { deadlineMs: COUNTED_MS, stop: guide.stop },
    ));
  const own = {
    accepted: count,
    completed: courses.filter(({ status }) => status === 'completed').length,
    failed: courses.filter(({ status }) => status === 'failed').length,
  };
  const row = (title: string, { accepted, completed, failed }: Counted) => [
    title,
    ...[accepted, completed, failed].map(String),
  ];
  guide.evidence(
    'Jobs of this experiment:',
    [
      { title: 'COUNTED BY' },
      { title: 'ACCEPTED', align: 'right' },
      { title: 'COMPLETED', align: 'right' },
      { title: 'FAILED', align: 'right' },
    ],
    [row('job status', own), ...(counted === undefined ? [] : [row('monitoring', counted)])],
  );
  return judgeTally(courses, counted);
}

function difference(before: Counted, now: Counted): Counted {
  return {
    accepted: now.accepted - before.accepted,
    completed: now.completed - before.completed,
    failed: now.failed - before.failed,
  };
}

function conclusionOf(findings: readonly Finding[]): Conclusion {
  return {
    saw: findings.flatMap(({ saw }) => saw),
    broken: findings.flatMap(({ broken }) => broken),
    learned: [
      'A stop is not a crash: a worker that is stopped takes no new jobs and finishes its current ones.',
      'A crash loses nothing either: RabbitMQ detects the closed connection and redelivers unacknowledged messages. A job may therefore start twice, but it finishes once, because its outcome is written only once.',
      'The queue makes this possible: the API accepts jobs while no worker is running, and the queue keeps them.',
    ],
  };
}

function counts(courses: readonly Course[]): string {
  const waiting = courses.filter(({ status }) => status === 'queued' || status === 'retrying').length;
  const ended = courses.filter(hasEnded).length;
  return `${courses.length} jobs: ${waiting} waiting, ${courses.filter(isInProgress).length} in progress, ${ended} ended.`;
}
