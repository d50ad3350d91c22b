/** A browser opens this many connections to one host. */
const FEW = 6;
/** Between two turns of a caller that has more calls waiting. */
const PAUSE_MS = 2;

/**
 * Turns for work in many small pieces that must not delay other work: the event loop goes round between two turns, and the
 * waiting callers alternate. A caller with many waiting calls also pauses after each turn.
 */
export class Turns {
  /** The waiting calls of each caller, oldest first. */
  readonly #lines = new Map<string, (() => void)[]>();
  /** The waiting callers that do not pause, in the order of their turns. */
  readonly #ready: string[] = [];

  /** Resolves when it is the caller's turn. */
  next(caller: string): Promise<void> {
    return new Promise((resolve) => {
      const line = this.#lines.get(caller);
      if (line === undefined) {
        this.#lines.set(caller, [resolve]);
        this.#enqueue(caller);
      } else {
        line.push(resolve);
      }
    });
  }

  #enqueue(caller: string): void {
    if (this.#ready.push(caller) === 1) setImmediate(() => this.#grant());
  }

  #grant(): void {
    const caller = this.#ready.shift();
    const line = caller === undefined ? undefined : this.#lines.get(caller);
    if (caller === undefined || line === undefined) return;
    line.shift()?.();
    if (this.#ready.length > 0) setImmediate(() => this.#grant());
    if (line.length === 0) this.#lines.delete(caller);
    else if (line.length < FEW) this.#enqueue(caller);
    else setTimeout(() => this.#enqueue(caller), PAUSE_MS);
  }
}
