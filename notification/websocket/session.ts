import {
  ALL_JOBS,
  socketErrors,
  type ClientMessage,
  type SubscribeMessage,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { refusalOfAllJobs, type AllJobsAccess } from './admission.ts';
import { readClientMessage, readHandshakeQuery, type Refusal } from './client-message.ts';
import { encode } from './subscriber.ts';
import { MessageBudget } from './message-budget.ts';
import type { Notifier } from '../notifier.ts';
import type { SocketClient } from './socket-client.ts';

/** Maximum rejected messages in a row; one more closes the connection. */
const MAX_REJECTED_IN_A_ROW = 20;
/** After a burst that can create and end the maximum number of subscriptions. */
const MESSAGES_PER_SECOND = 50;

export interface SessionOptions {
  readonly client: SocketClient;
  readonly notifier: Pick<Notifier, 'subscribe' | 'unsubscribe'>;
  /** The token of the handshake's header `Authorization`. */
  readonly token: string | undefined;
  readonly access: AllJobsAccess;
  readonly maxSubscriptions: number;
}

/** The subscriptions of one client. */
export class Session {
  readonly #options: SessionOptions;
  readonly #watched = new Set<string>();
  readonly #budget: MessageBudget;
  #rejectedInARow = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const limits = { burst: 2 * options.maxSubscriptions, perSecond: MESSAGES_PER_SECOND };
    this.#budget = new MessageBudget(limits, performance.now());
  }

  onOpen(query: URLSearchParams): void {
    for (const message of readHandshakeQuery(query)) this.#handle(message);
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#budget.take(performance.now())) this.#handle(readClientMessage(data, isBinary));
    else this.#reject({ code: 'rate_limited', message: socketErrors.rate_limited });
  }

  onClose(): void {
    const { notifier, client } = this.#options;
    for (const jobId of this.#watched) notifier.unsubscribe(client, jobId);
    this.#watched.clear();
  }

  #handle(message: ClientMessage | Refusal): void {
    const { client, notifier } = this.#options;
    if ('code' in message) {
      this.#reject(message);
    } else if (message.type === 'subscribe') {
      this.#subscribe(message);
    } else {
      this.#rejectedInARow = 0;
      this.#watched.delete(message.job_id);
      notifier.unsubscribe(client, message.job_id);
      client.send(encode({ type: 'unsubscribed', job_id: message.job_id }));
    }
  }

  #subscribe({ job_id: jobId, last_event_id: lastEventId, token }: SubscribeMessage): void {
    const { client, notifier, access, maxSubscriptions } = this.#options;
    const forbidden = jobId === ALL_JOBS ? refusalOfAllJobs(token ?? this.#options.token, access) : undefined;
    if (forbidden !== undefined) {
      this.#reject({ code: forbidden, message: socketErrors[forbidden] }, jobId);
      return;
    }
    this.#rejectedInARow = 0;
    if (this.#watched.size >= maxSubscriptions && !this.#watched.has(jobId)) {
      const message = `${socketErrors.too_many_subscriptions} The limit is ${maxSubscriptions}.`;
      client.send(encode({ type: 'error', code: 'too_many_subscriptions', message, job_id: jobId }));
      return;
    }
    this.#watched.add(jobId);
    notifier.subscribe(client, jobId, lastEventId);
  }

  #reject({ code, message }: Refusal, jobId?: string): void {
    const { client } = this.#options;
    client.send(encode({ type: 'error', code, message, job_id: jobId }));
    if (++this.#rejectedInARow > MAX_REJECTED_IN_A_ROW) client.cut('abuse');
  }
}
