import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { System } from '../../testing/start-system.ts';
import { upload, uploadQueue, type BenchImage } from './upload.ts';

const messageSchema = z.object({
  type: z.string(),
  event: z.object({ type: z.string(), subject: z.string(), time: z.string() }).optional(),
});

/** An event at a subscriber. Times in milliseconds since 1970. */
interface ReceivedEvent {
  readonly type: string;
  /** The time in the event, set by its publisher. */
  readonly happenedAt: number;
  readonly receivedAt: number;
}

/** A job that takes longer than this counts as lost, and ends the benchmark. */
const END_TIMEOUT_MS = 120_000;

/** Receives all events of all jobs over a WebSocket. */
export class JobWatcher implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #received = new Map<string, ReceivedEvent[]>();
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

  eventsOf(jobId: string): readonly ReceivedEvent[] {
    return this.#received.get(jobId) ?? [];
  }

  /** Resolves when the end of the job was received. @throws Error after two minutes */
  async ended(jobId: string): Promise<void> {
    if (this.eventsOf(jobId).some(isEnd)) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => reject(new Error(`job ${jobId} did not end`)), END_TIMEOUT_MS);
    this.#waiting.set(jobId, () => resolve(undefined));
    await promise.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #onMessage(data: Buffer): void {
    const receivedAt = Date.now();
    const { event } = messageSchema.parse(JSON.parse(data.toString()));
    if (event === undefined) return;
    const received = { type: event.type, happenedAt: Date.parse(event.time), receivedAt };
    this.#received.set(event.subject, [...this.eventsOf(event.subject), received]);
    if (isEnd(received)) this.#waiting.get(event.subject)?.();
  }
}

function isEnd({ type }: ReceivedEvent): boolean {
  return type === 'job.completed' || type === 'job.failed';
}

/** Images per second of the whole system, from the first upload to the last end at a subscriber. */
export async function systemThroughput(
  system: System,
  watcher: JobWatcher,
  images: readonly BenchImage[],
): Promise<number> {
  const uploads = uploadQueue();
  const since = performance.now();
  await Promise.all(
    images.map(async (image) => {
      const { jobId } = await uploads.add(() => upload(system.apiUrl, image));
      await watcher.ended(jobId);
    }),
  );
  return (images.length / (performance.now() - since)) * 1_000;
}
