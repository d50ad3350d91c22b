import { knowsWorkers } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';
import type { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import type { QueueSample } from './queue-metrics.ts';
import type { CachedSnapshot } from '@image-pipeline/shared/snapshot-cache.ts';

const count = z.int().min(0).nullable();

/** The response of `GET /queue/status`. Null means unknown, never zero. */
export const queueStatusSchema = z
  .object({
    queue_size: count.meta({ description: 'Jobs that wait for a worker.' }),
    max_queue_size: count.meta({
      description: 'Peak of `queue_size`, measured at each refresh of monitoring.',
    }),
    processing: count.meta({ description: 'Jobs that workers are processing.' }),
    max_processing: count.meta({ description: 'Peak of `processing`, from events.' }),
    max_concurrent: count.meta({ description: 'Jobs that all live workers can process at the same time.' }),
    total_processed: count.meta({ description: 'Runs that completed, without failed ones.' }),
    total_failed: count.meta({ description: 'Runs that failed.' }),
    estimated_wait_time: z.number().min(0).nullable().meta({
      description:
        'Seconds that a new job would wait for a worker. Null without live workers, before the first completed job, and while RabbitMQ is unavailable.',
    }),
  })
  .meta({ id: 'QueueStatus' });

export type QueueStatus = z.output<typeof queueStatusSchema>;

export interface QueueStatusInput {
  /** Monitoring's data from events and from RabbitMQ; undefined if it never had any. */
  readonly events: CachedSnapshot | undefined;
  readonly management: CachedSnapshot | undefined;
  /** The last sample of the job queue, if monitoring never had data. */
  readonly sample: QueueSample | undefined;
  /** Whether jobs can be accepted now. */
  readonly isUp: boolean;
}

/** Builds the response of `GET /queue/status`. */
export function queueStatus(
  { events, management, sample, isUp }: QueueStatusInput,
  estimates: Pick<JobEstimates, 'secondsFor'>,
): QueueStatus {
  const { jobs, totals = null, peaks = null } = events?.snapshot ?? {};
  const queued = jobs?.queued ?? sample?.ready;
  const processing = jobs?.processing;
  const utilisation =
    management && knowsWorkers(management.snapshot) ? management.snapshot.utilisation : undefined;
  const slots = utilisation?.slots;
  const wait =
    !isUp || queued === undefined || utilisation === undefined || utilisation.slots === 0
      ? undefined
      : waitOfNext({ ...utilisation, queued }, estimates);
  return {
    queue_size: queued ?? null,
    // While monitoring cannot read the event log it does not raise the peaks, though retries become due.
    max_queue_size: peaks && Math.max(peaks.waiting.value, queued ?? 0),
    processing: processing ?? null,
    max_processing: peaks && Math.max(peaks.processing.value, processing ?? 0),
    max_concurrent: slots ?? null,
    total_processed: totals && totals.completed,
    total_failed: totals && totals.failed,
    estimated_wait_time: wait === undefined ? null : Math.round(wait * 10) / 10,
  };
}

/** The age of its oldest data, in seconds; undefined if nothing is known. */
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
  /** Slots of live workers: all, and busy ones. */
  readonly slots: number;
  readonly busy: number;
}

/** Seconds until a worker takes a new job: idle slots take jobs at once, the rest wait for others to end. */
function waitOfNext(
  { queued, slots, busy }: QueueLoad,
  estimates: Pick<JobEstimates, 'secondsFor'>,
): number | undefined {
  const endsNeeded = Math.max(0, queued + 1 - (slots - busy));
  return endsNeeded === 0 ? 0 : estimates.secondsFor(endsNeeded, slots);
}
