import {
  ALL_JOBS,
  socketErrors,
  type ClientMessage,
  type SubscribeMessage,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { refusalOfAllJobs, type AllJobsAccess } from './access.ts';
import { readClientMessage, readHandshakeQuery, type Refusal } from './client-message.ts';
import { encode } from './subscriber.ts';
import { MessageBudget } from './message-budget.ts';
import type { Notifier } from '../notifier.ts';
import type { SocketClient } from './socket-client.ts';

/** Messages in a row that cannot be acted upon; one more ends the connection. */
const PATIENCE = 20;
/** Beyond a burst that makes and ends as many subscriptions as there may be. */
const MESSAGES_PER_SECOND = 50;

export interface SessionOptions {
  readonly client: SocketClient;
  readonly notifier: Pick<Notifier, 'subscribe' | 'unsubscribe'>;
  /** The token of the handshake's header `Authorization`. */
  readonly token: string | undefined;
  readonly access: AllJobsAccess;
  readonly maxSubscriptions: number;
}

/** What one client asks for, and what it holds. */
export class Session {
  readonly #options: SessionOptions;
  readonly #watched = new Set<string>();
  readonly #budget: MessageBudget;
  #refusedInARow = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const limits = { burst: 2 * options.maxSubscriptions, perSecond: MESSAGES_PER_SECOND };
    this.#budget = new MessageBudget(limits, performance.now());
  }

  onOpen(query: URLSearchParams): void {
    for (const message of readHandshakeQuery(query)) this.#obey(message);
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#budget.take(performance.now())) this.#obey(readClientMessage(data, isBinary));
    else this.#refuse({ code: 'rate_limited', message: socketErrors.rate_limited });
  }

  onClose(): void {
    const { notifier, client } = this.#options;
    for (const jobId of this.#watched) notifier.unsubscribe(client, jobId);
    this.#watched.clear();
  }

  #obey(message: ClientMessage | Refusal): void {
    const { client, notifier } = this.#options;
    if ('code' in message) {
      this.#refuse(message);
    } else if (message.type === 'subscribe') {
      this.#subscribe(message);
    } else {
      this.#refusedInARow = 0;
      this.#watched.delete(message.job_id);
      notifier.unsubscribe(client, message.job_id);
      client.send(encode({ type: 'unsubscribed', job_id: message.job_id }));
    }
  }

  #subscribe({ job_id: jobId, last_event_id: lastEventId, token }: SubscribeMessage): void {
    const { client, notifier, access, maxSubscriptions } = this.#options;
    const forbidden = jobId === ALL_JOBS ? refusalOfAllJobs(token ?? this.#options.token, access) : undefined;
    if (forbidden !== undefined) {
      this.#refuse({ code: forbidden, message: socketErrors[forbidden] }, jobId);
      return;
    }
    this.#refusedInARow = 0;
    if (this.#watched.size >= maxSubscriptions && !this.#watched.has(jobId)) {
      const message = `${socketErrors.too_many_subscriptions} The limit is ${maxSubscriptions}.`;
      client.send(encode({ type: 'error', code: 'too_many_subscriptions', message, job_id: jobId }));
      return;
    }
    this.#watched.add(jobId);
    notifier.subscribe(client, jobId, lastEventId);
  }

  #refuse({ code, message }: Refusal, jobId?: string): void {
    const { client } = this.#options;
    client.send(encode({ type: 'error', code, message, job_id: jobId }));
    if (++this.#refusedInARow > PATIENCE) client.cut('abuse');
  }
}
