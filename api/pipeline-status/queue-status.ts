import { knowsWorkers } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';
import type { JobEstimates } from '../jobs/job-estimates.ts';
import type { QueueSample } from './queue-metrics.ts';
import type { CachedSnapshot } from './snapshot-cache.ts';

const count = z.int().min(0).nullable();

/** `GET /queue/status`, as `reference/3` shows it. Null is "not known", never zero. */
export const queueStatusSchema = z
  .object({
    queue_size: count.meta({ description: 'Jobs that wait for a worker.' }),
    max_queue_size: count.meta({ description: 'The most that ever waited at once, by events.' }),
    processing: count.meta({ description: 'Jobs that workers have in hand.' }),
    max_processing: count.meta({ description: 'The most that were ever in hand at once, by events.' }),
    max_concurrent: count.meta({ description: 'Jobs that all live workers together can have in hand.' }),
    total_processed: count.meta({ description: 'Runs that completed; failed ones are not counted.' }),
    total_failed: count.meta({ description: 'Runs that failed for good.' }),
    estimated_wait_time: z.number().min(0).nullable().meta({
      description:
        'Seconds until a worker would take a job that came now. Null while no worker lives or none has completed a job yet, and while RabbitMQ takes no jobs.',
    }),
  })
  .meta({ id: 'QueueStatus' });

export type QueueStatus = z.output<typeof queueStatusSchema>;

export interface QueueStatusInput {
  /** What events tell and what RabbitMQ tells, by monitoring; undefined where it never knew. */
  readonly events: CachedSnapshot | undefined;
  readonly management: CachedSnapshot | undefined;
  /** The queue of jobs, where monitoring never knew and the broker ever told. */
  readonly sample: QueueSample | undefined;
  /** Whether a job could come now. */
  readonly isUp: boolean;
}

/** What `GET /queue/status` answers. */
export function queueStatus(
  { events, management, sample, isUp }: QueueStatusInput,
  estimates: Pick<JobEstimates, 'secondsFor'>,
): QueueStatus {
  const { jobs, totals = null, peaks = null } = events?.snapshot ?? {};
  const queued = jobs?.queued ?? sample?.ready;
  const processing = jobs?.processing;
  const slots =
    management && knowsWorkers(management.snapshot) ? management.snapshot.utilisation.slots : undefined;
  const wait =
    !isUp || queued === undefined || processing === undefined || slots === undefined || slots === 0
      ? undefined
      : waitOfNext({ queued, free: Math.max(0, slots - processing), slots }, estimates);
  return {
    queue_size: queued ?? null,
    // While monitoring cannot follow the log it raises no peaks, though retries become due.
    max_queue_size: peaks && Math.max(peaks.waiting.value, queued ?? 0),
    processing: processing ?? null,
    max_processing: peaks && Math.max(peaks.processing.value, processing ?? 0),
    max_concurrent: slots ?? null,
    total_processed: totals && totals.completed,
    total_failed: totals && totals.failed,
    estimated_wait_time: wait === undefined ? null : Math.round(wait * 10) / 10,
  };
}

/** The age of the oldest figures in it, in seconds; undefined where nothing is known. */
export function queueStatusAge({
  events,
  management,
  sample,
}: Omit<QueueStatusInput, 'isUp'>): number | undefined {
  const ages = [events, management, events === undefined ? sample : undefined].flatMap((known) =>
    known === undefined ? [] : [known.ageSeconds],
  );
  return ages.length === 0 ? undefined : Math.max(...ages);
}

interface QueueLoad {
  readonly queued: number;
  /** Slots of live workers: those that have nothing to do, and all. */
  readonly free: number;
  readonly slots: number;
}

/** Seconds until a job that came now would be taken: free slots take so many at once, the rest wait for ends. */
function waitOfNext(
  { queued, free, slots }: QueueLoad,
  estimates: Pick<JobEstimates, 'secondsFor'>,
): number | undefined {
  const endsNeeded = Math.max(0, queued + 1 - free);
  return endsNeeded === 0 ? 0 : estimates.secondsFor(endsNeeded, slots);
}
