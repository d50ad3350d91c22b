import type { Health } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { RouteResponse } from '@image-pipeline/shared/http/service-server.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

const POLL_EVERY_MS = 1_000;
/** Longer than it takes to reconnect to RabbitMQ. */
const GRACE_SECONDS = 15;

/** Polls every second whether the worker consumes jobs. Uses the monotonic clock. */
export class HealthWatch implements Startable {
  readonly #notReadyBecause: () => string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds. */
  #lastReady: number | undefined;

  /** @param notReadyBecause why the worker does not consume jobs now, or undefined while it does */
  constructor(notReadyBecause: () => string | undefined) {
    this.#notReadyBecause = notReadyBecause;
  }

  start(): Promise<void> {
    this.#timer ??= setInterval(() => this.#poll(), POLL_EVERY_MS);
    this.#poll();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** `GET /health` */
  response(): RouteResponse {
    const reason = this.#poll();
    const age = this.#lastReady === undefined ? undefined : (performance.now() - this.#lastReady) / 1_000;
    const body = workerHealth(age, reason);
    return { status: body.status === 'ok' ? 200 : 503, body };
  }

  #poll(): string | undefined {
    const reason = this.#notReadyBecause();
    if (reason === undefined) this.#lastReady = performance.now();
    return reason;
  }
}

/**
 * @param ageSeconds since the worker last consumed jobs; undefined if it never did
 * @param reason why it does not consume jobs now
 */
export function workerHealth(ageSeconds: number | undefined, reason: string | undefined): Health {
  if (ageSeconds === undefined) return { status: 'error', age_seconds: null, ...messageOf(reason) };
  if (ageSeconds < GRACE_SECONDS) return { status: 'ok', age_seconds: ageSeconds };
  return { status: 'stale', age_seconds: ageSeconds, ...messageOf(reason) };
}

function messageOf(reason: string | undefined): { message?: string } {
  return reason === undefined ? {} : { message: reason };
}
