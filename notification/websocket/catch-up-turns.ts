/** Portions of events sent in one turn of the event loop. */
const PORTIONS_PER_TURN = 4;

/**
 * The turns of all subscribers that catch up with the event log. The kernel may take everything that they are sent, so
 * without turns, some hundreds of them would keep new events from everybody else for seconds.
 */
export class CatchUpTurns {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the caller may send its next portion; callers get their turns in the order of their calls. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(() => this.#grant());
    });
  }

  #grant(): void {
    for (const resolve of this.#waiting.splice(0, PORTIONS_PER_TURN)) resolve();
    if (this.#waiting.length > 0) setImmediate(() => this.#grant());
  }
}
