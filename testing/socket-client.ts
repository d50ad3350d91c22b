import { once } from 'node:events';
import {
  serverMessageSchema,
  type ClientMessage,
  type ServerMessage,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { WebSocket, type ClientOptions } from 'ws';

const DEADLINE_MS = 10_000;
/** A valid id that no job has. */
const NO_JOB = '00000000-0000-7000-8000-000000000000';

/** A WebSocket client that checks received messages against the contract. */
export class SocketClient {
  readonly socket: WebSocket;
  /** All received messages, in order. */
  readonly received: ServerMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #read = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.received.push(serverMessageSchema.parse(JSON.parse(data.toString())));
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** @param query e.g. `?job_id=…` */
  static async open(port: number, query = '', options: ClientOptions = {}): Promise<SocketClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws${query}`, options);
    const client = new SocketClient(socket);
    await once(socket, 'open');
    return client;
  }

  say(message: ClientMessage): void {
    this.sayRaw(JSON.stringify(message));
  }

  sayRaw(data: string | Buffer): void {
    this.socket.send(data);
  }

  watch(jobId: string, lastEventId?: string): void {
    this.say({ type: 'subscribe', job_id: jobId, last_event_id: lastEventId });
  }

  /** The next `count` messages that were not taken yet. */
  async take(count: number): Promise<ServerMessage[]> {
    await this.#until(() => this.received.length >= this.#read + count);
    return this.received.slice(this.#read, (this.#read += count));
  }

  async next(): Promise<ServerMessage> {
    const [message] = await this.take(1);
    if (message === undefined) throw new Error('no message');
    return message;
  }

  /** All messages not taken yet, once the service has read everything sent before. */
  async rest(): Promise<ServerMessage[]> {
    this.say({ type: 'unsubscribe', job_id: NO_JOB });
    const isEnd = (message: ServerMessage) => message.type === 'unsubscribed' && message.job_id === NO_JOB;
    await this.#until(() => this.received.some(isEnd));
    const end = this.received.findIndex(isEnd);
    this.received.splice(end, 1);
    return this.take(end - this.#read);
  }

  /** The newest event_id received. */
  get lastEventId(): string {
    const last = this.received.findLast((message) => 'event_id' in message && message.event_id !== undefined);
    if (last === undefined || !('event_id' in last) || last.event_id === undefined)
      throw new Error('no event_id');
    return last.event_id;
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  async #until(isTrue: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      while (!isTrue()) await once(this.socket, 'message', { signal });
    } catch (error) {
      throw new Error(`timed out; received so far: ${gist(this.received).join(', ')}`, { cause: error });
    }
  }
}

/** `queued`, `started`, … for event messages, and the type for others: short enough for assertions. */
export function gist(messages: readonly ServerMessage[]): string[] {
  return messages.map((message) => {
    if (message.type === 'event') return message.event.type.replace('job.', '');
    if (message.type === 'state')
      return `state ${'state' in message ? message.state : `of ${message.jobs.length}`}`;
    if (message.type === 'reset') return `reset ${message.reason}`;
    return message.type === 'error' ? `error ${message.code}` : message.type;
  });
}
