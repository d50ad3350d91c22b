import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';

/** The metrics of a worker. */
export interface WorkerMetrics {
  /** A slot is busy until the function that this returns is called. */
  takeSlot(): () => void;
  /** An attempt is over; see the label `result` of image_jobs_finished_total. */
  finished(result: Outcome['state'] | 'retried' | 'duplicate' | 'unreadable'): void;
  /** Records the stage durations of a completed attempt. */
  stages(outcome: Outcome): void;
}

export function createWorkerMetrics(metrics: Metrics, slots: number): WorkerMetrics {
  let busy = 0;
  let countedUntil = performance.now();
  /** Counts long jobs while they run: counted at the end, utilisation would exceed the number of slots. */
  const countBusySeconds = () => {
    const now = performance.now();
    metrics.increase('image_worker_busy_seconds_total', {}, (busy * (now - countedUntil)) / 1_000);
    countedUntil = now;
  };
  const setBusy = (slotsInUse: number) => {
    countBusySeconds();
    busy = slotsInUse;
    metrics.set('image_worker_busy_slots', busy);
  };
  metrics.beforeRender(countBusySeconds);
  metrics.set('image_worker_slots', slots);
  metrics.set('image_worker_busy_slots', 0);
  return {
    takeSlot() {
      setBusy(busy + 1);
      return () => setBusy(busy - 1);
    },
    finished: (result) => metrics.increase('image_jobs_finished_total', { result }),
    stages(outcome) {
      if (outcome.state !== 'completed') return;
      for (const [name, ms] of Object.entries(outcome.timings)) {
        const stage = name.replace(/_ms$/, '');
        metrics.observe('image_job_stage_duration_seconds', ms / 1_000, { stage });
      }
    },
  };
}
