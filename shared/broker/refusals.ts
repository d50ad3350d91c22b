import { messageOf } from '../errors.ts';
import { retryWithBackoff, type Backoff } from '../waiting.ts';
import type { Destination } from './topology.ts';

/** Failed publishes in a row after which a destination counts as unavailable. */
const STREAK = 3;
const PROBE_BACKOFF: Backoff = { firstMs: 500, maxMs: 5_000 };

interface Doubt {
  failures: number;
  reason: string;
  /** Ends its probes. */
  readonly over: AbortController;
}

export interface RefusalsOptions {
  /** Publishes a probe to this destination on a new channel; resolves when the broker has accepted it. */
  readonly probe: (destination: Destination) => Promise<void>;
}

/**
 * The destinations to which the broker does not accept messages: permissions were revoked, a policy limits the queue, or
 * a binding is missing. A service that refuses work because of it publishes nothing more, so probes find out when it is over.
 */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #doubts = new Map<string, Doubt>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** Why a destination does not accept messages, in the broker's words; undefined if all of them do. */
  get reason(): string | undefined {
    for (const { failures, reason } of this.#doubts.values()) if (failures >= STREAK) return reason;
    return undefined;
  }

  accepted(destination: Destination): void {
    const key = keyOf(destination);
    this.#doubts.get(key)?.over.abort();
    this.#doubts.delete(key);
  }

  failed(destination: Destination, reason: string): void {
    const key = keyOf(destination);
    const doubt = this.#doubts.get(key) ?? { failures: 0, reason, over: new AbortController() };
    this.#doubts.set(key, doubt);
    doubt.failures++;
    doubt.reason = reason;
    if (doubt.failures === STREAK) void this.#probeUntilAccepted(destination, doubt);
  }

  /** Ends all probes. */
  forget(): void {
    for (const { over } of this.#doubts.values()) over.abort();
    this.#doubts.clear();
  }

  async #probeUntilAccepted(destination: Destination, doubt: Doubt): Promise<void> {
    const probe = () => this.#options.probe(destination);
    const note = (error: unknown) => {
      doubt.reason = messageOf(error);
    };
    try {
      await retryWithBackoff(probe, PROBE_BACKOFF, doubt.over.signal, note);
      this.accepted(destination);
    } catch {
      // Over: a message was accepted, or the service stops.
    }
  }
}

function keyOf({ exchange, routingKey }: Destination): string {
  return `${exchange} ${routingKey}`;
}
