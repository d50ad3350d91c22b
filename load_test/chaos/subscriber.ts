import { setTimeout as sleep } from 'node:timers/promises';
import { serverMessageSchema, type ServerMessage } from '@image-pipeline/shared/contracts/websocket.ts';
import { WebSocket } from 'ws';

const RECONNECT_MS = 200;
const HANDSHAKE_MS = 5_000;

/** A start that a subscriber was notified of. */
export interface SeenStart {
  readonly jobId: string;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Watches every job over a WebSocket that is opened again whenever it breaks, and resumed where it broke. */
export class Subscriber implements AsyncDisposable {
  /** How many notifications of its end each job had. */
  readonly ends = new Map<string, number>();
  readonly starts: SeenStart[] = [];
  /** Reasons of resets: events may have been missed, says the service. */
  readonly resets: string[] = [];
  connections = 0;
  readonly #url: string;
  #lastEventId: string | undefined;
  #socket: WebSocket | undefined;
  #closing = false;
  readonly #running: Promise<void>;
  readonly #connected = Promise.withResolvers<undefined>();

  constructor(notificationUrl: string) {
    this.#url = notificationUrl;
    this.#running = this.#run();
  }

  /** Resolves when the present state has come for the first time: from then on nothing is missed. */
  get connected(): Promise<undefined> {
    return this.#connected.promise;
  }

  /** Jobs that this worker has begun and that have not ended, as far as a subscriber knows. */
  inProgressOf(worker: string): string[] {
    const begun = this.starts.filter((start) => start.worker === worker).map(({ jobId }) => jobId);
    return begun.filter((jobId) => !this.ends.has(jobId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#socket?.terminate();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      await this.#connect();
      await sleep(RECONNECT_MS);
    }
  }

  /** Resolves when the connection has ended. */
  #connect(): Promise<void> {
    const resume = this.#lastEventId === undefined ? '' : `&last_event_id=${this.#lastEventId}`;
    const socket = new WebSocket(`${this.#url}/ws?job_id=*${resume}`, { handshakeTimeout: HANDSHAKE_MS });
    this.#socket = socket;
    return new Promise((resolve) => {
      socket.on('open', () => {
        this.connections++;
      });
      socket.on('message', (data: Buffer) => {
        this.#onMessage(serverMessageSchema.parse(JSON.parse(data.toString())));
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
  }

  #onMessage(message: ServerMessage): void {
    if ('event_id' in message && message.event_id !== undefined) this.#lastEventId = message.event_id;
    if (message.type === 'state') this.#connected.resolve(undefined);
    if (message.type === 'reset') this.resets.push(message.reason);
    if (message.type !== 'event') return;
    const { type, subject, data, time } = message.event;
    if (type === 'job.started') {
      this.starts.push({ jobId: subject, worker: data.worker, at: Date.parse(time) });
    }
    if (type === 'job.completed' || type === 'job.failed') {
      this.ends.set(subject, (this.ends.get(subject) ?? 0) + 1);
    }
  }
}
