interface FairSlotsOptions {
  readonly slots: number;
  /** Maximum slots of one caller. */
  readonly perCaller: number;
  /** Maximum number of waiting calls, of all callers together. */
  readonly maxWaiting: number;
}

/** Why a call got no slot: the line is full, the wait was too long, or the caller left. */
export type NoSlot = 'line_full' | 'waited_too_long' | 'left';

/** Releases the slot; may be called twice. */
export type Release = () => void;

interface Call {
  /** Milliseconds of the monotonic clock. */
  readonly since: number;
  /** Leaves the line with this result. */
  readonly end: (result: Release | NoSlot) => void;
}

/**
 * Slots that callers share, so that one caller delays others as little as possible: it holds at most `perCaller` slots,
 * and a free slot goes to the waiting callers in turn. Calls of one caller are served in their order. If the line is full,
 * a new call takes the place of the newest call of the caller with the most waiting calls, unless that is its own.
 */
export class FairSlots<Caller> {
  readonly #options: FairSlotsOptions;
  readonly #held = new Map<Caller, number>();
  /** The waiting calls of each caller, oldest first; callers in the order of their next turn. */
  readonly #lines = new Map<Caller, Set<Call>>();
  #free: number;
  #waiting = 0;

  constructor(options: FairSlotsOptions) {
    this.#options = options;
    this.#free = options.slots;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** How long the oldest waiting call has waited, in milliseconds. */
  get longestWaitMs(): number {
    let oldest = performance.now();
    for (const [call] of this.#lines.values()) oldest = Math.min(oldest, call?.since ?? oldest);
    return performance.now() - oldest;
  }

  /** A slot, if one is free for this caller. */
  takeFree(caller: Caller): Release | undefined {
    return this.#free > 0 && this.#hasShareLeft(caller) ? this.#take(caller) : undefined;
  }

  /**
   * Waits for a slot.
   * @param signal leaves the line; ignored once the call has its slot
   * @param waitMs maximum wait in milliseconds
   */
  acquire(caller: Caller, signal: AbortSignal, waitMs?: number): Promise<Release | NoSlot> {
    if (signal.aborted) return Promise.resolve('left');
    const free = this.takeFree(caller);
    if (free !== undefined) return Promise.resolve(free);
    if (this.#waiting >= this.#options.maxWaiting && !this.#makeRoomFor(caller)) {
      return Promise.resolve('line_full');
    }
    const { promise, resolve } = Promise.withResolvers<Release | NoSlot>();
    const leave = () => call.end('left');
    const timer = waitMs === undefined ? undefined : setTimeout(() => call.end('waited_too_long'), waitMs);
    const call: Call = {
      since: performance.now(),
      end: (result) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        this.#waiting--;
        line.delete(call);
        if (line.size === 0) this.#lines.delete(caller);
        resolve(result);
      },
    };
    const line = this.#lines.get(caller) ?? new Set<Call>();
    this.#lines.set(caller, line.add(call));
    this.#waiting++;
    signal.addEventListener('abort', leave, { once: true });
    return promise;
  }

  #hasShareLeft(caller: Caller): boolean {
    return (this.#held.get(caller) ?? 0) < this.#options.perCaller;
  }

  #take(caller: Caller): Release {
    this.#free--;
    this.#held.set(caller, (this.#held.get(caller) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#held.get(caller) ?? 0) - 1;
      if (left === 0) this.#held.delete(caller);
      else this.#held.set(caller, left);
      this.#free++;
      this.#serve();
    };
  }

  /** Gives free slots to the callers in turn. A caller that still waits is visited again: it goes to the end of the map. */
  #serve(): void {
    for (const [caller, line] of this.#lines) {
      if (this.#free === 0) return;
      const [next] = line;
      if (next === undefined || !this.#hasShareLeft(caller)) continue;
      next.end(this.#take(caller));
      if (line.size === 0) continue;
      this.#lines.delete(caller);
      this.#lines.set(caller, line);
    }
  }

  /** Ends the newest call of the longest queue, if it is longer than that of `caller` would become. */
  #makeRoomFor(caller: Caller): boolean {
    let longest = new Set<Call>();
    for (const line of this.#lines.values()) if (line.size > longest.size) longest = line;
    if (longest.size <= (this.#lines.get(caller)?.size ?? 0) + 1) return false;
    [...longest].at(-1)?.end('line_full');
    return true;
  }
}
