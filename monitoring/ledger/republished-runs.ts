import { PublishUnconfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import type { OpenRun } from '../runs/run-tracker.ts';

/** RabbitMQ's metrics may not include a message that was published less than this ago. */
const COUNTED_AFTER_MS = 20_000;
/** A run is published again at most this often, so that one that is lost each time does not fill the queue. */
export const REPUBLISH_AGAIN_MS = 600_000;
/** The same, where a person asks for it. */
export const REPUBLISH_ON_REQUEST_AGAIN_MS = 60_000;

/** The number of open runs that are certainly in no queue, and the runs of which it is possible, the likeliest first. */
export interface PossiblyLost {
  readonly count: number;
  readonly candidates: readonly OpenRun[];
}

interface Try {
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  readonly isPublished: boolean;
}

/** Remembers which runs were published again, or could not be, and decides which are next. */
export class RepublishedRuns {
  readonly #tries = new Map<string, Try>();
  readonly #now: () => number;

  /** @param now the monotonic clock, in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /**
   * As many of the runs that were not tried in the last `againMs` as are still lost. Those that were published in the last
   * 10 minutes come last: they keep their place among the candidates until a worker starts them.
   */
  due({ count, candidates }: PossiblyLost, againMs: number): readonly OpenRun[] {
    this.#forget();
    const isNotCounted = ({ at, isPublished }: Try) => isPublished && this.#now() - at < COUNTED_AFTER_MS;
    const notCounted = [...this.#tries.values()].filter(isNotCounted).length;
    const isPublished = (run: OpenRun) => this.#tries.get(keyOf(run))?.isPublished;
    // They stay lost, so they are part of the count: no other run may take their place.
    const unpublishable = candidates.filter(
      (run) => this.#isTried(run, againMs) && isPublished(run) === false,
    ).length;
    const due = candidates.filter((run) => !this.#isTried(run, againMs));
    return [
      ...due.filter((run) => isPublished(run) !== true),
      ...due.filter((run) => isPublished(run) === true),
    ].slice(0, Math.max(0, count - notCounted - unpublishable));
  }

  /**
   * Reserves the run before it is published, because another caller may want to publish it meanwhile. An unconfirmed message
   * may be in the queue, so its run stays reserved.
   * @param publish its result is anything but true if the run cannot be published
   * @returns undefined if the run was tried in the last `againMs`
   * @throws what `publish` throws
   */
  async try<Result>(
    run: OpenRun,
    againMs: number,
    publish: () => Promise<Result>,
  ): Promise<Result | undefined> {
    if (this.#isTried(run, againMs)) return undefined;
    const key = keyOf(run);
    this.#tries.set(key, { at: this.#now(), isPublished: true });
    try {
      const result = await publish();
      this.#tries.set(key, { at: this.#now(), isPublished: result === true });
      return result;
    } catch (error) {
      if (!(error instanceof PublishUnconfirmed)) this.#tries.delete(key);
      throw error;
    }
  }

  #isTried(run: OpenRun, withinMs: number): boolean {
    return this.#now() - (this.#tries.get(keyOf(run))?.at ?? -Infinity) <= withinMs;
  }

  #forget(): void {
    for (const [key, { at }] of this.#tries) {
      if (at < this.#now() - REPUBLISH_AGAIN_MS) this.#tries.delete(key);
    }
  }
}

export function keyOf({ job_id, run }: OpenRun): string {
  return `${job_id}/${run}`;
}
