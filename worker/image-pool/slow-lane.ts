/**
 * A worker processes one slow image at a time, so that its other slots stay free for ordinary ones. Slow are an image
 * that is decoded for long, and every image of a job that exceeded its time or memory limit before.
 */
export class SlowLane {
  /** The attempt that is in the lane. */
  #attempt: string | undefined;

  /** Whether the attempt is in the lane now: false while another one is. */
  enter(attempt: string): boolean {
    this.#attempt ??= attempt;
    return this.#attempt === attempt;
  }

  /** Does nothing if the attempt is not in the lane. */
  leave(attempt: string): void {
    if (this.#attempt === attempt) this.#attempt = undefined;
  }
}
