import type { Health } from '@image-pipeline/shared/contracts/health.ts';
import type { Answer } from '@image-pipeline/shared/http/service-server.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

const LOOK_EVERY_MS = 1_000;
/** Longer than losing RabbitMQ and coming back takes. */
const PATIENCE_SECONDS = 15;

/** Looks every second whether the worker takes jobs. Times by the steady clock. */
export class HealthWatch implements Startable {
  readonly #notReadyBecause: () => string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** In milliseconds. */
  #lastWell: number | undefined;

  /** @param notReadyBecause why the worker takes no jobs right now, or undefined while it does */
  constructor(notReadyBecause: () => string | undefined) {
    this.#notReadyBecause = notReadyBecause;
  }

  start(): Promise<void> {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#look();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** `GET /health` */
  answer(): Answer {
    const reason = this.#look();
    const age = this.#lastWell === undefined ? undefined : (performance.now() - this.#lastWell) / 1_000;
    const body = judgeHealth(age, reason);
    return { status: body.status === 'ok' ? 200 : 503, body };
  }

  #look(): string | undefined {
    const reason = this.#notReadyBecause();
    if (reason === undefined) this.#lastWell = performance.now();
    return reason;
  }
}

/**
 * @param ageSeconds since the worker last took jobs; undefined where it never did
 * @param reason why it does not now
 */
export function judgeHealth(ageSeconds: number | undefined, reason: string | undefined): Health {
  if (ageSeconds === undefined) return { status: 'error', age_seconds: null, ...messageOf(reason) };
  if (ageSeconds < PATIENCE_SECONDS) return { status: 'ok', age_seconds: ageSeconds };
  return { status: 'stale', age_seconds: ageSeconds, ...messageOf(reason) };
}

function messageOf(reason: string | undefined): { message?: string } {
  return reason === undefined ? {} : { message: reason };
}
