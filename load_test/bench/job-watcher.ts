import { once } from 'node:events';
import { timingsSchema, type Timings } from '@image-pipeline/shared/contracts/outcome.ts';
import { WebSocket, type ClientOptions } from 'ws';
import { z } from 'zod';

const messageSchema = z.object({
  event: z
    .object({
      type: z.string(),
      subject: z.string(),
      time: z.string(),
      data: z.object({ outcome: z.object({ timings: timingsSchema.optional() }).optional() }),
    })
    .optional(),
});

/** How a job went, by its events. Times in milliseconds since 1970. */
export interface WatchedJob {
  /** The start at the worker. */
  readonly startedAt: number;
  /** When the worker had stored everything but the outcome. */
  readonly endedAt: number;
  /** When the subscriber received the end. */
  readonly receivedAt: number;
  /** Undefined if the job failed. */
  readonly timings: Timings | undefined;
}

interface OpenJob {
  startedAt: number;
  readonly end: PromiseWithResolvers<WatchedJob>;
}

/** A job that takes longer than this counts as lost, and ends the benchmark. */
const END_TIMEOUT_MS = 120_000;

/** Receives all events of all jobs over a WebSocket. */
export class JobWatcher implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #jobs = new Map<string, OpenJob>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#onMessage(data));
  }

  static async open(notificationUrl: string, options: ClientOptions = {}): Promise<JobWatcher> {
    const socket = new WebSocket(`${notificationUrl}/ws?job_id=*`, options);
    await once(socket, 'open');
    return new JobWatcher(socket);
  }

  /** Resolves when the end of the job was received; once per job. @throws Error after two minutes */
  async ended(jobId: string): Promise<WatchedJob> {
    const { promise, reject } = this.#job(jobId).end;
    const timer = setTimeout(() => reject(new Error(`job ${jobId} did not end`)), END_TIMEOUT_MS);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#jobs.delete(jobId);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    if (this.#socket.readyState !== WebSocket.CLOSED) await once(this.#socket, 'close');
  }

  #job(jobId: string): OpenJob {
    const job = this.#jobs.get(jobId) ?? { startedAt: Number.NaN, end: Promise.withResolvers<WatchedJob>() };
    this.#jobs.set(jobId, job);
    return job;
  }

  #onMessage(data: Buffer): void {
    const receivedAt = Date.now();
    const { event } = messageSchema.parse(JSON.parse(data.toString()));
    if (event === undefined) return;
    const happenedAt = Date.parse(event.time);
    if (event.type === 'job.started') this.#job(event.subject).startedAt = happenedAt;
    if (event.type !== 'job.completed' && event.type !== 'job.failed') return;
    const { startedAt, end } = this.#job(event.subject);
    end.resolve({ startedAt, endedAt: happenedAt, receivedAt, timings: event.data.outcome?.timings });
  }
}
