import type { ApiClient } from '../../local/pipeline/api-client.ts';
import type { Runtime } from '../../local/runtime/runtime.ts';
import { UserError } from '../../local/user-error.ts';
import { poll } from '../poll.ts';
import {
  type Counted,
  type Finding,
  concludeStop,
  concludeKill,
  concludeNoWorkers,
  concludeTotals,
  countHistories,
} from './conclusions.ts';
import { type Conclusion, type Guide, right } from './guide.ts';
import {
  type JobHistory,
  historyColumns,
  historyRows,
  hasEnded,
  inProgressOn,
  isInProgress,
  JobBatches,
} from './job-batches.ts';
import type { Monitoring } from './monitoring.ts';

/** Much longer than a killed worker needs to be ready again. */
const BACK_MS = 30_000;
/** Event counts of monitoring may be a few seconds old. */
const COUNTED_MS = 20_000;

export interface FaultToleranceSystem {
  readonly api: ApiClient;
  readonly monitoring: Monitoring;
  readonly workers: Pick<Runtime, 'workers' | 'stopWorker' | 'startWorker' | 'stopWorkers' | 'startWorkers'>;
}

/**
 * Experiment 1: stops a worker, kills one, and stops all of them, each while jobs are in progress. At least two workers
 * must be ready; afterwards the same number is ready again.
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
    await countJobsTwice(guide, system, jobs, totals),
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
  const all = await jobs.readyWorkers();
  const slots = await jobs.slots(all.length);
  await jobs.upload(2 * slots + all.length);
  await jobs.untilBusy(all);
  const newest = all.at(-1);
  if (newest === undefined) throw new UserError('No worker is ready. To start one: make start-worker');
  const stoppedAt = Date.now();
  const before = await jobs.current();
  guide.say(counts(before));
  const inProgress = inProgressOn(newest, before);
  await guide.run('make stop-worker', () => workers.stopWorker());
  const histories = await jobs.ended();
  guide.evidence('Times are relative to the stop:', historyColumns, historyRows(histories, stoppedAt));
  guide.say(counts(histories));
  await guide.run('make start-worker', () => workers.startWorker());
  return concludeStop(newest.name, inProgress, stoppedAt, histories);
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
  const all = await jobs.readyWorkers();
  // Half of the slots stay free, so that another worker can take over at once.
  await jobs.upload(Math.max(1, Math.floor((await jobs.slots(all.length)) / 2)));
  const before = await jobs.untilStarted();
  const newest = before.filter(isInProgress).toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0))[0];
  const victim = all.find(({ name }) => name === newest?.worker) ?? all[0];
  if (victim === undefined) throw new UserError('No worker is ready. To start one: make start-worker');
  const inProgress = inProgressOn(victim, before);
  const killedAt = Date.now();
  await guide.run(victim.kill.line, () => victim.kill.run());
  guide.evidence(
    `Before ${victim.name} was killed (times relative to the kill):`,
    historyColumns,
    historyRows(before, killedAt),
  );
  const histories = await jobs.ended();
  guide.evidence('After the kill:', historyColumns, historyRows(histories, killedAt));
  const [example] = [...inProgress];
  if (example !== undefined) await showTimeline(guide, api, example, jobs);
  if (victim.isRestarted) {
    guide.say(`The supervisor restarts ${victim.name}.`);
  } else {
    guide.say(
      `Docker does not restart a container that was killed by hand, so start ${victim.name} yourself.`,
    );
    await guide.run('make start-worker', () => workers.startWorker());
  }
  const back = await poll(async () => ((await workers.workers()).length >= all.length ? true : undefined), {
    deadlineMs: BACK_MS,
    stop: guide.stop,
  });
  const missing =
    back === true ? [] : [`${victim.name} was not ready ${BACK_MS / 1_000} s after it was killed.`];
  const finding = concludeKill(victim.name, inProgress, killedAt, histories);
  return { ...finding, violations: [...finding.violations, ...missing] };
}

/** With both starts, and the redelivery in between. */
async function showTimeline(guide: Guide, api: ApiClient, jobId: string, jobs: JobBatches): Promise<void> {
  const { timeline } = await guide.run(`curl "${api.url}/status/${jobId}"`, () => api.job(jobId));
  const columns = ['STATE', 'AT', 'WORKER', 'WHY'].map((title) => ({ title }));
  const rows = timeline.map(({ state, at, worker, delivery, reason }) => [
    state,
    at,
    worker === undefined ? '-' : jobs.nameOf(worker),
    reason === undefined ? '-' : `${reason} (delivery ${delivery ?? 2})`,
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
  const all = await jobs.readyWorkers();
  await jobs.upload(2 * (await jobs.slots(all.length)));
  await jobs.untilBusy(all);
  await guide.run(workers.stopWorkers.line, () => workers.stopWorkers.run());
  const stoppedAt = Date.now();
  const before = await jobs.current();
  const waiting = new Set(before.filter((history) => !hasEnded(history)).map(({ jobId }) => jobId));
  guide.say(counts(before));
  const queue = await jobs.queueWith(waiting.size);
  if (queue !== undefined) {
    if (monitoring.url !== undefined) guide.show(`curl "${monitoring.url}/status"`);
    guide.evidence(
      'The queue, as RabbitMQ reports it:',
      [{ title: 'QUEUE' }, right('READY'), right('UNACKED'), right('CONSUMERS')],
      [[queue.name, ...[queue.ready, queue.unacked, queue.consumers].map((count) => String(count ?? '-'))]],
    );
  }
  const start = workers.startWorkers(all.length);
  await guide.run(start.line, () => start.run());
  const histories = await jobs.ended();
  guide.evidence('Times are relative to the stop:', historyColumns, historyRows(histories, stoppedAt));
  return concludeNoWorkers(waiting, queue?.ready ?? undefined, histories);
}

/** Compares the job counts of the API with those of monitoring. */
async function countJobsTwice(
  guide: Guide,
  { monitoring }: FaultToleranceSystem,
  jobs: JobBatches,
  before: Counted | undefined,
): Promise<Finding> {
  guide.step('The total');
  const histories = await jobs.all();
  const count = histories.length;
  const counted =
    before &&
    (await poll(
      async () => {
        const now = await monitoring.totals();
        if (now === undefined) return undefined;
        const since = difference(before, now);
        return since.completed + since.failed >= count ? since : undefined;
      },
      { deadlineMs: COUNTED_MS, stop: guide.stop },
    ));
  const row = (title: string, { accepted, completed, failed }: Counted) => [
    title,
    ...[accepted, completed, failed].map(String),
  ];
  guide.evidence(
    'Jobs of this experiment:',
    [{ title: 'COUNTED BY' }, right('ACCEPTED'), right('COMPLETED'), right('FAILED')],
    [
      row('job status', countHistories(histories)),
      ...(counted === undefined ? [] : [row('monitoring', counted)]),
    ],
  );
  return concludeTotals(histories, counted);
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
    observed: findings.flatMap(({ observed }) => observed),
    violations: findings.flatMap(({ violations }) => violations),
    lessons: [
      'A stop is not a crash: a worker that is stopped takes no new jobs and finishes its current ones.',
      'A crash loses nothing either: RabbitMQ detects the closed connection and redelivers unacknowledged messages. A job may therefore start twice, but it finishes once, because its outcome is written only once.',
      'The queue makes this possible: the API accepts jobs while no worker is running, and the queue keeps them.',
    ],
  };
}

function counts(histories: readonly JobHistory[]): string {
  const waiting = histories.filter(({ status }) => status === 'queued' || status === 'retrying').length;
  const ended = histories.filter(hasEnded).length;
  return `${histories.length} jobs: ${waiting} waiting, ${histories.filter(isInProgress).length} in progress, ${ended} ended.`;
}
