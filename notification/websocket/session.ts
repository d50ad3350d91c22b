import {
  ALL_JOBS,
  clientMessageSchema,
  handshakeQuerySchema,
  socketErrors,
  type ClientMessage,
  type SocketErrorCode,
  type SubscribeMessage,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { describeProblems, validate } from '@image-pipeline/shared/validation.ts';
import type { z } from 'zod';
import type { Notifier } from '../notifier.ts';
import { refusalOfAllJobs, type AllJobsAccess } from './admission.ts';
import type { SocketClient } from './socket-client.ts';
import { encode } from './subscriber.ts';

/** Maximum rejected messages in a row; one more closes the connection. */
const MAX_REJECTED_IN_A_ROW = 20;
/** Subscriptions that every connection may have, whatever the others of its address have. */
const OWN_SUBSCRIPTIONS = 5;
/** After a burst that can create and end the maximum number of subscriptions. */
const MESSAGES_PER_SECOND = 50;

export interface SessionOptions {
  readonly client: SocketClient;
  readonly notifier: Pick<Notifier, 'subscribe' | 'unsubscribe'>;
  /** The token of the handshake's header `Authorization`. */
  readonly token: string | undefined;
  readonly access: AllJobsAccess;
  readonly maxSubscriptions: number;
  /** The share of the client's address. */
  readonly share: SubscriptionShare;
}

/** What is left of the subscriptions that all connections share. */
export interface SubscriptionShare {
  /** The maximum for one address. */
  readonly limit: number;
  /** Takes one more; false if none is left. */
  readonly take: () => boolean;
  readonly release: () => void;
}

/** The subscriptions of one client. */
export class Session {
  readonly #options: SessionOptions;
  readonly #watched = new Set<string>();
  readonly #budget: MessageBudget;
  /** Messages that wait until the client has read the responses to earlier ones. */
  readonly #inbox: (ClientMessage | Refusal)[] = [];
  #isHandling = false;
  #rejectedInARow = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const limits = { burst: 2 * options.maxSubscriptions, perSecond: MESSAGES_PER_SECOND };
    this.#budget = new MessageBudget(limits, performance.now());
  }

  onOpen(query: URLSearchParams): void {
    for (const message of readHandshakeQuery(query)) this.#receive(message);
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#budget.take(performance.now())) this.#receive(readClientMessage(data, isBinary));
    else this.#receive({ code: 'rate_limited', message: socketErrors.rate_limited });
  }

  onClose(): void {
    const { notifier, client } = this.#options;
    this.#inbox.length = 0;
    for (const jobId of this.#watched) {
      notifier.unsubscribe(client, jobId);
      this.#forget(jobId);
    }
  }

  #receive(message: ClientMessage | Refusal): void {
    this.#inbox.push(message);
    if (!this.#isHandling) void this.#handleInbox();
  }

  /**
   * Stops reading from a client until it has read the responses to its earlier messages. A subscription to all jobs also waits
   * for the end of the client's replay: requesting one again and again costs nothing.
   */
  async #handleInbox(): Promise<void> {
    const { client } = this.#options;
    this.#isHandling = true;
    for (let next = this.#inbox[0]; next !== undefined; next = this.#inbox[0]) {
      const mayReplay = !('code' in next) && next.job_id === ALL_JOBS && next.type === 'subscribe';
      if (client.hasBacklog || (mayReplay && client.isCatchingUp)) {
        client.pause();
        await (mayReplay ? client.caughtUp() : client.flushed());
        client.resume();
      }
      const message = this.#inbox.shift();
      if (message !== undefined) this.#handle(message);
    }
    this.#isHandling = false;
  }

  /** Whether there is room for one more subscription, which is then taken. */
  #makeRoom(): boolean {
    const { maxSubscriptions, share } = this.#options;
    if (this.#watched.size >= maxSubscriptions) return false;
    return this.#watched.size < OWN_SUBSCRIPTIONS || share.take();
  }

  #forget(jobId: string): void {
    if (this.#watched.delete(jobId) && this.#watched.size >= OWN_SUBSCRIPTIONS) this.#options.share.release();
  }

  #handle(message: ClientMessage | Refusal): void {
    const { client, notifier } = this.#options;
    if ('code' in message) {
      this.#reject(message);
    } else if (message.type === 'subscribe') {
      this.#subscribe(message);
    } else {
      this.#rejectedInARow = 0;
      this.#forget(message.job_id);
      notifier.unsubscribe(client, message.job_id);
      client.send(encode({ type: 'unsubscribed', job_id: message.job_id }));
    }
  }

  #subscribe({ job_id: jobId, last_event_id: lastEventId, token, pipeline }: SubscribeMessage): void {
    const { client, notifier, access, maxSubscriptions, share } = this.#options;
    const forbidden = jobId === ALL_JOBS ? refusalOfAllJobs(token ?? this.#options.token, access) : undefined;
    if (forbidden !== undefined) {
      this.#reject({ code: forbidden, message: socketErrors[forbidden] }, jobId);
      return;
    }
    this.#rejectedInARow = 0;
    if (!this.#watched.has(jobId) && !this.#makeRoom()) {
      const message = `${socketErrors.too_many_subscriptions} The limit is ${maxSubscriptions}, and ${share.limit} for an address.`;
      client.send(encode({ type: 'error', code: 'too_many_subscriptions', message, job_id: jobId }));
      return;
    }
    this.#watched.add(jobId);
    notifier.subscribe(client, jobId, lastEventId, pipeline);
  }

  #reject({ code, message }: Refusal, jobId?: string): void {
    const { client } = this.#options;
    client.send(encode({ type: 'error', code, message, job_id: jobId }));
    if (++this.#rejectedInARow > MAX_REJECTED_IN_A_ROW) client.cut('abuse');
  }
}

/** Why a message was rejected, for the client. */
export interface Refusal {
  readonly code: SocketErrorCode;
  readonly message: string;
}

const ALLOWED = `Allowed messages: {"type":"subscribe","job_id":JOB,"last_event_id":TEXT,"token":TEXT,"pipeline":BOOLEAN}, \
of which the last three are optional, and {"type":"unsubscribe","job_id":JOB}; JOB is a job id (a UUIDv7) or "*".`;

/** Parses the message in one frame. */
export function readClientMessage(data: Buffer, isBinary: boolean): ClientMessage | Refusal {
  const value = isBinary ? undefined : parseJson(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { code: 'malformed_message', message: `${socketErrors.malformed_message} ${ALLOWED}` };
  }
  return check(clientMessageSchema, value);
}

const jobQuerySchema = handshakeQuerySchema.pick({ job_id: true });
const sharedQuerySchema = handshakeQuerySchema.partial({ job_id: true });

/** Parses the query of a handshake: a subscribe message for each `job_id`, which all share the other parameters. */
export function readHandshakeQuery(query: URLSearchParams): (ClientMessage | Refusal)[] {
  const { job_id: newest, ...others } = Object.fromEntries(query);
  if (newest === undefined) return [];
  const shared = check(sharedQuerySchema, others, ALLOWED_IN_ADDRESS);
  if ('code' in shared) return [shared];
  return query.getAll('job_id').map((job_id) => {
    const asked = check(jobQuerySchema, { job_id }, ALLOWED_IN_ADDRESS);
    return 'code' in asked ? asked : { type: 'subscribe', ...shared, ...asked };
  });
}

const ALLOWED_IN_ADDRESS =
  'Allowed in the address: job_id, which may be repeated, and last_event_id. Addresses end up in logs, so send the token as "Authorization: Bearer …" or in a subscribe message.';

function check<Value extends object>(
  schema: z.ZodType<Value>,
  value: unknown,
  allowed = ALLOWED,
): Value | Refusal {
  const { data, problems } = validate(schema, value);
  if (problems === undefined) return data;
  return { code: 'invalid_message', message: `${describeProblems(problems)}. ${allowed}` };
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * A token bucket: `burst` messages at once, and one more every `1000 / perSecond` ms.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class MessageBudget {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  /** Milliseconds of a monotonic clock. */
  #filledAt: number;

  constructor(options: { readonly burst: number; readonly perSecond: number }, now: number) {
    this.#burst = options.burst;
    this.#perSecond = options.perSecond;
    this.#left = options.burst;
    this.#filledAt = now;
  }

  /** Whether one more message is allowed now. */
  take(now: number): boolean {
    const earned = ((now - this.#filledAt) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + earned);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
