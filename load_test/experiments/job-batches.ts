import { join } from 'node:path';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { acceptedJobId, problemIn, type ApiClient } from '../pipeline/api-client.ts';
import { root } from '../pipeline/paths.ts';
import type { RunningWorker, Runtime } from '../runtime/runtime.ts';
import { UserError } from '../user-error.ts';
import { coursesOf, endedCourses, hasEnded, isInProgress, type Course } from './course.ts';
import type { Guide } from './guide.ts';
import type { Monitoring } from './monitoring.ts';
import { until } from './until.ts';

/** A job of some seconds: six megapixels under a wide blur. */
const OPERATIONS = [
  { type: 'resize', width: 3000, height: 2000, enlarge: true },
  { type: 'filter', name: 'blur', radius: 100 },
];
const IMAGE = 'test_images/sample.jpg';
const BUSY_MS = 20_000;
const ENDED_MS = 180_000;
/** RabbitMQ's counts are some 5 s old, and monitoring's as well. */
const COUNTED_MS = 20_000;

/** What jobs are uploaded to, and watched by. */
export interface BatchSystem {
  readonly api: ApiClient;
  readonly monitoring: Monitoring;
  readonly workers: Pick<Runtime, 'workers'>;
}

/** The jobs of this worker that are in progress. */
export const inProgressOn = (worker: RunningWorker, courses: readonly Course[]): Set<string> =>
  new Set(
    courses
      .filter((course) => isInProgress(course) && course.worker === worker.name)
      .map(({ jobId }) => jobId),
  );

/** The jobs of the experiment, batch by batch. */
export class JobBatches {
  readonly #guide: Guide;
  readonly #system: BatchSystem;
  readonly #earlier: string[] = [];
  #batch: string[] = [];
  /** Every worker that was seen: one that has died still has a name. */
  readonly #workers: RunningWorker[] = [];

  constructor(guide: Guide, system: BatchSystem) {
    this.#guide = guide;
    this.#system = system;
  }

  /** The workers that are ready. */
  async known(): Promise<readonly RunningWorker[]> {
    const ready = await this.#system.workers.workers();
    this.#workers.push(...ready);
    return ready;
  }

  /** Jobs that all workers process at once; without monitoring it is taken to be two each. */
  async slots(workers: number): Promise<number> {
    const counted = await until(
      async () => {
        const live = (await this.#system.monitoring.snapshot())?.workers.filter((worker) => worker.live);
        return live?.length === workers ? live.map(({ slots }) => slots ?? 2) : undefined;
      },
      { deadlineMs: this.#system.monitoring.url === undefined ? 0 : COUNTED_MS, stop: this.#guide.stop },
    );
    return counted?.reduce((sum, slots) => sum + slots, 0) ?? 2 * workers;
  }

  /** Begins a new batch. */
  async upload(count: number): Promise<void> {
    const { api } = this.#system;
    const operations = JSON.stringify(OPERATIONS);
    const curl = `curl -X POST "${api.url}/upload" \\\n-F "file=@${IMAGE}" \\\n-F 'operations=${operations.replace('},{', '},\n {')}'`;
    this.#earlier.push(...this.#batch);
    this.#batch = await this.#guide.run(count === 1 ? curl : `${curl}   # ${count} times`, () =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const answer = await api.upload(join(root, IMAGE), operations);
          const jobId = acceptedJobId(answer);
          if (jobId !== undefined) return jobId;
          const { code, detail } = problemIn(answer.body);
          throw new UserError(`The upload returned ${answer.status} ${code}: ${detail}`);
        }),
      ),
    );
  }

  /** Of this batch. */
  look(): Promise<Course[]> {
    return this.#look(this.#batch);
  }

  /** Of all batches. */
  all(): Promise<Course[]> {
    return this.#look([...this.#earlier, ...this.#batch]);
  }

  /** When the batch has ended. */
  ended(): Promise<Course[]> {
    return endedCourses(() => this.look(), { deadlineMs: ENDED_MS, stop: this.#guide.stop });
  }

  /** Until each of these workers has a job of the batch. */
  async untilBusy(workers: readonly RunningWorker[]): Promise<void> {
    await this.#until((courses) => workers.every((worker) => inProgressOn(worker, courses).size > 0));
  }

  /** Until no job of the batch waits any more. */
  untilStarted(): Promise<Course[]> {
    return this.#until((courses) => courses.every(({ startedAt }) => startedAt !== undefined));
  }

  /** The queue of jobs when RabbitMQ counts so many messages there; undefined without monitoring. */
  async queueWith(ready: number) {
    const { monitoring } = this.#system;
    const look = async () =>
      (await monitoring.snapshot())?.queues.find(({ name }) => name === queueNames.process);
    if (monitoring.url === undefined) return undefined;
    const settled = await until(
      async () => {
        const queue = await look();
        return queue?.ready === ready && queue.unacked === 0 ? queue : undefined;
      },
      { deadlineMs: COUNTED_MS, stop: this.#guide.stop },
    );
    return settled ?? look();
  }

  async #until(isThere: (courses: readonly Course[]) => boolean): Promise<Course[]> {
    const seen = await until(
      async () => {
        const courses = await this.look();
        return isThere(courses) || courses.every(hasEnded) ? courses : undefined;
      },
      { deadlineMs: BUSY_MS, stop: this.#guide.stop },
    );
    return seen ?? this.look();
  }

  /** A worker as `make ps` shows it, by its name in timelines. */
  nameOf(inTimeline: string): string {
    return this.#workers.find((worker) => worker.isNamed(inTimeline))?.name ?? inTimeline;
  }

  #look(jobIds: readonly string[]): Promise<Course[]> {
    return coursesOf(this.#system.api, jobIds, (inTimeline) => this.nameOf(inTimeline));
  }
}
