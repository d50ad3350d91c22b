import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { SampledQueue } from '../management/read-broker.ts';

export const JOB_RETRY_PREFIX = 'image.jobs.retry.';

/**
 * Where every accepted run is. The counts are kept over restarts.
 * @param unaccounted how many of those that have not ended are in no queue either
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
 * Messages of jobs in RabbitMQ: those that wait, are in hand, or are on their way to the next queue or to the burial.
 * Undefined where RabbitMQ does not tell of one of these queues, as in the first seconds after its start.
 */
export function jobsInBroker(queues: readonly SampledQueue[] | undefined): number | undefined {
  const own = queues?.filter(({ metrics }) => holdsOpenRuns(metrics.name));
  if (own === undefined || own.length === 0) return undefined;
  let sum = 0;
  for (const { held } of own) {
    if (held === null) return undefined;
    sum += held;
  }
  return sum;
}

function holdsOpenRuns(queue: string): boolean {
  return queue === queueNames.process || queue === queueNames.burial || queue.startsWith(JOB_RETRY_PREFIX);
}
