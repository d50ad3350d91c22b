import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';

const JOB_RETRY_PREFIX = 'image.jobs.retry.';

/**
 * Whether every accepted run is accounted for. The counts are kept over restarts, the open ones are read from the log
 * each time: a run that was accepted, and of whose life the log no longer knows anything, shows here.
 */
export function ledgerOf(
  { accepted, completed, failed }: Totals,
  open: number,
  queues: readonly { name: string; ready: number; unacked: number }[] | undefined,
): NonNullable<Snapshot['ledger']> {
  return {
    accepted,
    completed,
    failed,
    open,
    in_broker: queues === undefined ? null : jobsIn(queues),
    unaccounted: accepted - completed - failed - open,
  };
}

function jobsIn(queues: readonly { name: string; ready: number; unacked: number }[]): number {
  return queues
    .filter(({ name }) => name === queueNames.process || name.startsWith(JOB_RETRY_PREFIX))
    .reduce((sum, { ready, unacked }) => sum + ready + unacked, 0);
}
