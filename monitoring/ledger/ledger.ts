import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { SampledQueue } from '../management/read-broker.ts';

export const JOB_RETRY_PREFIX = 'image.jobs.retry.';

/**
 * The state of every accepted run. The counts survive restarts.
 * @param unaccounted number of runs that have not ended and are in no queue
 */
export function ledgerOf(
  { accepted, completed, failed }: Totals,
  unaccounted: number,
  queues: readonly SampledQueue[] | undefined,
): NonNullable<Snapshot['ledger']> {
  const open = Math.max(0, accepted - completed - failed - unaccounted);
  return { accepted, completed, failed, open, in_broker: jobsInBroker(queues) ?? null, unaccounted };
}

/**
 * Messages of jobs in RabbitMQ: waiting, unacknowledged, or on their way to the next queue or to the DLQ recorder.
 * Undefined if RabbitMQ does not report one of these queues, as in the first seconds after its start.
 */
export function jobsInBroker(queues: readonly SampledQueue[] | undefined): number | undefined {
  const own = queues?.filter(({ metrics }) => holdsJobs(metrics.name));
  if (own === undefined || own.length === 0) return undefined;
  let sum = 0;
  for (const { held } of own) {
    if (held === null) return undefined;
    sum += held;
  }
  return sum;
}

function holdsJobs(queue: string): boolean {
  return (
    queue === queueNames.process || queue === queueNames.deadRecorder || queue.startsWith(JOB_RETRY_PREFIX)
  );
}
