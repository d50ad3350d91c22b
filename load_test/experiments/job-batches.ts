import { join } from 'node:path';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { acceptedJobId, problemIn, type ApiClient, type Job } from '../../local/pipeline/api-client.ts';
import { root } from '../../local/pipeline/paths.ts';
import type { RunningWorker, Runtime } from '../../local/runtime/runtime.ts';
import type { Column } from '../../local/terminal/table.ts';
import { UserError } from '../../local/user-error.ts';
import { poll } from '../poll.ts';
import { type Guide, right } from './guide.ts';
import type { Monitoring } from './monitoring.ts';

const BLUR = { type: 'filter', name: 'blur', radius: 100 };
/** A job of more than a second: six megapixels, blurred three times. */
const OPERATIONS = [{ type: 'resize', width: 3000, height: 2000, enlarge: true }, BLUR, BLUR, BLUR];
const IMAGE = 'test_images/sample.jpg';
const BUSY_MS = 20_000;
const ENDED_MS = 180_000;
/** Queue counts are up to 5 s old in RabbitMQ, and up to another 5 s in monitoring. */
const COUNTED_MS = 20_000;

/** The history of a job according to its status. Times in milliseconds since 1970. */
export interface JobHistory {
  readonly jobId: string;
  readonly status: Job['status'];
  /** The worker of the last attempt, as `make ps` shows it. */
  readonly worker: string | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly redelivered: boolean;
  /** How often the job has ended: once, if all is well. */
  readonly ends: number;
}

/** @param nameOf returns the name that `make ps` shows for a worker's name in timelines */
export function historyOf(job: Job, nameOf: (inTimeline: string) => string): JobHistory {
  const start = job.timeline.findLast(({ state }) => state === 'processing');
  const ends = job.timeline.filter(({ state }) => state === 'completed' || state === 'failed');
  const end = ends.at(-1);
  return {
    jobId: job.job_id,
    status: job.status,
    worker: start?.worker === undefined ? undefined : nameOf(start.worker),
    startedAt: start && Date.parse(start.at),
    endedAt: end && Date.parse(end.at),
    redelivered: start?.redelivered === true,
    ends: ends.length + job.runs.length,
  };
}

export const isInProgress = ({ status }: JobHistory): boolean => status === 'processing';
export const hasEnded = ({ status }: JobHistory): boolean => status === 'completed' || status === 'failed';

/** The jobs in progress on a worker. */
export const inProgressOn = ({ name }: RunningWorker, jobs: readonly JobHistory[]): Set<string> =>
  new Set(jobs.filter((job) => isInProgress(job) && job.worker === name).map(({ jobId }) => jobId));

/** A job id as tables show it. UUIDv7s start with the time, so the end distinguishes them better. */
export const shortId = (jobId: string): string => `…${jobId.slice(-8)}`;

export const historyColumns: readonly Column[] = [
  { title: 'JOB' },
  { title: 'WORKER' },
  right('STARTED'),
  right('ENDED'),
  { title: 'REDELIVERED' },
  { title: 'STATE' },
];

/** One row per job, in the order of their starts. @param zero the moment to which times are relative */
export function historyRows(jobs: readonly JobHistory[], zero: number): string[][] {
  const seconds = (at: number | undefined) => {
    if (at === undefined) return '-';
    const passed = (at - zero) / 1_000;
    return `${passed < 0 ? '−' : '+'}${Math.abs(passed).toFixed(1)} s`;
  };
  return jobs
    .toSorted((one, other) => (one.startedAt ?? Infinity) - (other.startedAt ?? Infinity))
    .map(({ jobId, worker, startedAt, endedAt, redelivered, status }) => [
      shortId(jobId),
      worker ?? '-',
      seconds(startedAt),
      seconds(endedAt),
      redelivered ? 'yes' : 'no',
      status,
    ]);
}

interface BatchSystem {
  readonly api: ApiClient;
  readonly monitoring: Monitoring;
  readonly workers: Pick<Runtime, 'workers'>;
}

/** The jobs of an experiment, uploaded in batches. */
export class JobBatches {
  readonly #guide: Guide;
  readonly #system: BatchSystem;
  readonly #earlier: string[] = [];
  #batch: string[] = [];
  /** All workers since the start of the experiment: one that has died still needs its name. */
  readonly #workers: RunningWorker[] = [];

  constructor(guide: Guide, system: BatchSystem) {
    this.#guide = guide;
    this.#system = system;
  }

  async readyWorkers(): Promise<readonly RunningWorker[]> {
    const ready = await this.#system.workers.workers();
    this.#workers.push(...ready);
    return ready;
  }

  /** Jobs that all workers process at once; two per worker if monitoring is not running. */
  async slots(workers: number): Promise<number> {
    const deadlineMs = this.#system.monitoring.url === undefined ? 0 : COUNTED_MS;
    const counted = await this.#poll(deadlineMs, async () => {
      const live = (await this.#system.monitoring.snapshot())?.workers.filter((worker) => worker.live);
      return live?.length === workers ? live.map(({ slots }) => slots ?? 2) : undefined;
    });
    return counted?.reduce((sum, slots) => sum + slots, 0) ?? 2 * workers;
  }

  /** Starts a new batch. */
  async upload(count: number): Promise<void> {
    const { api } = this.#system;
    const operations = JSON.stringify(OPERATIONS);
    const curl = `curl -X POST "${api.url}/upload" \\\n-F "file=@${IMAGE}" \\\n-F 'operations=${operations.replaceAll('},{', '},\n {')}'`;
    const uploadOne = async () => {
      const response = await api.upload(join(root, IMAGE), operations);
      const jobId = acceptedJobId(response);
      if (jobId !== undefined) return jobId;
      const { code, detail } = problemIn(response.body);
      throw new UserError(`The upload returned ${response.status} ${code}: ${detail}`);
    };
    this.#earlier.push(...this.#batch);
    this.#batch = await this.#guide.run(count === 1 ? curl : `${curl}   # ${count} times`, () =>
      Promise.all(Array.from({ length: count }, uploadOne)),
    );
  }

  /** The batch as it is now. */
  current(): Promise<JobHistory[]> {
    return this.#histories(this.#batch);
  }

  /** All batches as they are now. */
  all(): Promise<JobHistory[]> {
    return this.#histories([...this.#earlier, ...this.#batch]);
  }

  /** The batch when all of its jobs have ended. */
  ended(): Promise<JobHistory[]> {
    return this.#until(ENDED_MS, () => false);
  }

  /** Waits until each of these workers has a job of the batch. */
  async untilBusy(workers: readonly RunningWorker[]): Promise<void> {
    await this.#until(BUSY_MS, (jobs) => workers.every((worker) => inProgressOn(worker, jobs).size > 0));
  }

  /** The batch when no job of it is waiting any more. */
  untilStarted(): Promise<JobHistory[]> {
    return this.#until(BUSY_MS, (jobs) => jobs.every(({ startedAt }) => startedAt !== undefined));
  }

  /** The job queue when RabbitMQ counts this many ready messages; undefined without monitoring. */
  async queueWith(ready: number) {
    const { monitoring } = this.#system;
    const queue = async () =>
      (await monitoring.snapshot())?.queues.find(({ name }) => name === queueNames.process);
    if (monitoring.url === undefined) return undefined;
    const settled = await this.#poll(COUNTED_MS, async () => {
      const now = await queue();
      return now?.ready === ready && now.unacked === 0 ? now : undefined;
    });
    return settled ?? queue();
  }

  /** The name that `make ps` shows for a worker's name in timelines. */
  nameOf(inTimeline: string): string {
    return this.#workers.find((worker) => worker.isNamed(inTimeline))?.name ?? inTimeline;
  }

  /** The batch when the condition is true or all jobs have ended, or else at the deadline. */
  async #until(
    deadlineMs: number,
    isReached: (jobs: readonly JobHistory[]) => boolean,
  ): Promise<JobHistory[]> {
    const reached = await this.#poll(deadlineMs, async () => {
      const jobs = await this.current();
      return isReached(jobs) || jobs.every(hasEnded) ? jobs : undefined;
    });
    return reached ?? this.current();
  }

  #poll<Value>(deadlineMs: number, read: () => Promise<Value | undefined>): Promise<Value | undefined> {
    return poll(read, { deadlineMs, stop: this.#guide.stop });
  }

  #histories(jobIds: readonly string[]): Promise<JobHistory[]> {
    const nameOf = (inTimeline: string) => this.nameOf(inTimeline);
    return Promise.all(jobIds.map(async (id) => historyOf(await this.#system.api.job(id), nameOf)));
  }
}
