import type { Snapshot, WorkerMetrics } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Attempt, OpenRun } from '../events/run-tracker.ts';
import type { KnownWorker } from './known-workers.ts';

/** The window of the utilisation, in milliseconds. */
export const UTILISATION_WINDOW_MS = 60_000;

export interface WorkerInput {
  readonly known: readonly KnownWorker[];
  readonly open: Iterable<OpenRun>;
  /** Attempts that ended within the window, at least. */
  readonly attempts: readonly Attempt[];
  readonly now: number;
}

/** Every worker with its jobs in progress, sorted by name. Times in milliseconds since 1970. */
export function workerTable({ known, open, attempts, now }: WorkerInput): WorkerMetrics[] {
  const running = new Map<string, number[]>();
  for (const { state, worker, since } of open) {
    if (state !== 'processing' || worker === undefined) continue;
    const starts = running.get(worker) ?? [];
    starts.push(since);
    running.set(worker, starts);
  }
  return known
    .map((worker) => {
      const starts = running.get(worker.name) ?? [];
      const own = attempts.filter((attempt) => attempt.worker === worker.name);
      const since = Math.max(now - UTILISATION_WINDOW_MS, worker.firstSeen);
      return {
        name: worker.name,
        slots: worker.slots,
        // Runs of a killed worker stay with it until another worker starts them.
        busy: Math.min(starts.length, worker.slots ?? Infinity),
        utilisation: utilisationOf(
          worker,
          [...own, ...starts.map((from) => ({ from, to: now }))],
          since,
          now,
        ),
        last_seen: new Date(worker.lastSeen).toISOString(),
        live: worker.live,
      };
    })
    .toSorted((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }));
}

/** The sum of all live workers. */
export function utilisationOfAll(workers: readonly WorkerMetrics[]): Snapshot['utilisation'] {
  const live = workers.filter((worker) => worker.live);
  const slots = live.reduce((sum, worker) => sum + (worker.slots ?? 0), 0);
  const used = live.reduce((sum, worker) => sum + (worker.slots ?? 0) * (worker.utilisation ?? 0), 0);
  return {
    slots,
    busy: live.reduce((sum, { busy }) => sum + busy, 0),
    last_minute: slots === 0 ? null : used / slots,
  };
}

function utilisationOf(
  { slots }: KnownWorker,
  busy: readonly { readonly from: number; readonly to: number }[],
  since: number,
  now: number,
): number | null {
  if (slots === null || slots === 0 || now <= since) return null;
  const ms = busy.reduce(
    (sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - Math.max(from, since)),
    0,
  );
  return Math.min(1, ms / (slots * (now - since)));
}
