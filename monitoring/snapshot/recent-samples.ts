import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Sample, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** An hour at the default interval of 1 s; at other intervals correspondingly more or less. About 750 kB of memory. */
const MAX_SAMPLES = 3_600;

/** One sample of each refresh, kept in memory up to a limit; then the oldest is discarded. A restart empties it. */
export class RecentSamples {
  readonly #limit: number;
  readonly #samples: Sample[] = [];

  constructor(limit = MAX_SAMPLES) {
    this.#limit = limit;
  }

  add(snapshot: Snapshot): void {
    this.#samples.push(sampleOf(snapshot));
    if (this.#samples.length > this.#limit) this.#samples.shift();
  }

  /**
   * Oldest first.
   * @param time milliseconds since 1970; only samples at or after it
   */
  since(time: number): Sample[] {
    return this.#samples.filter(({ at }) => Date.parse(at) >= time);
  }
}

function sampleOf({ updated_at, sources, queues, utilisation, jobs, totals }: Snapshot): Sample {
  const isAvailable = sources.events.state === 'ok';
  const queue = queues.find(({ name }) => name === queueNames.process);
  return {
    at: updated_at,
    queued: jobs.queued,
    processing: jobs.processing,
    retrying: jobs.retrying,
    // The snapshot keeps the last known count; in a history it would look like a measurement.
    ready: isAvailable ? (queue?.ready ?? null) : null,
    slots: utilisation.slots,
    busy: utilisation.busy,
    utilisation: utilisation.last_minute,
    completed: totals?.completed ?? null,
    failed: totals?.failed ?? null,
  };
}
