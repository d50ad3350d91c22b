import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';

const messageSchema = z.object({
  type: z.string(),
  event: z.object({ type: z.string(), subject: z.string(), time: z.string() }).optional(),
});

/** An event as it reached a subscriber. Times are milliseconds since 1970. */
export interface SeenEvent {
  readonly type: string;
  /** When it happened, as its publisher says. */
  readonly happenedAt: number;
  /** When it got here. */
  readonly seenAt: number;
}

/** A job that takes longer than this has been lost, and the benchmark with it. */
const END_TIMEOUT_MS = 120_000;

/** Every event of every job, as a WebSocket subscriber sees it. */
export class JobWatcher implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #seen = new Map<string, SeenEvent[]>();
  readonly #waiting = new Map<string, () => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#onMessage(data));
  }

  static async open(notificationUrl: string): Promise<JobWatcher> {
    const socket = new WebSocket(`${notificationUrl}/ws?job_id=*`);
    await once(socket, 'open');
    return new JobWatcher(socket);
  }

  eventsOf(jobId: string): readonly SeenEvent[] {
    return this.#seen.get(jobId) ?? [];
  }

  /** Resolves when the job's end has been seen. @throws Error if that takes two minutes */
  async ended(jobId: string): Promise<void> {
    if (this.eventsOf(jobId).some(isEnd)) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => reject(new Error(`job ${jobId} does not end`)), END_TIMEOUT_MS);
    this.#waiting.set(jobId, () => resolve(undefined));
    await promise.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #onMessage(data: Buffer): void {
    const seenAt = Date.now();
    const { event } = messageSchema.parse(JSON.parse(data.toString()));
    if (event === undefined) return;
    const seen = { type: event.type, happenedAt: Date.parse(event.time), seenAt };
    this.#seen.set(event.subject, [...this.eventsOf(event.subject), seen]);
    if (isEnd(seen)) this.#waiting.get(event.subject)?.();
  }
}

function isEnd({ type }: SeenEvent): boolean {
  return type === 'job.completed' || type === 'job.failed';
}
