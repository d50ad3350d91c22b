import type { QueueInspector } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { type JobForecast, LISTED_FORECASTS } from '@image-pipeline/shared/contracts/websocket.ts';
import type { JobEstimates, QueueState } from '@image-pipeline/shared/jobs/job-estimates.ts';
import type { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { SnapshotCache } from '@image-pipeline/shared/snapshot-cache.ts';
import { withinDeadline } from '@image-pipeline/shared/waiting.ts';
import type { Notifier } from '../notifier.ts';
import type { ReportingWorkers } from './reporting-workers.ts';
import { encode } from './subscriber.ts';

const INTERVAL_S = 1;
const INSPECT_TIMEOUT_MS = 800;

export interface PipelineStatusOptions {
  readonly notifier: Pick<Notifier, 'wantsPipelineStatus' | 'sendPipelineStatus'>;
  readonly live: Pick<LiveView, 'get'>;
  readonly estimates: Pick<JobEstimates, 'compare' | 'next' | 'of' | 'range'>;
  readonly queues: Pick<QueueInspector, 'inspect'>;
  readonly snapshots: Pick<SnapshotCache, 'known'>;
  readonly workers: Pick<ReportingWorkers, 'all'>;
}

/** Sends the state of the pipeline every second to the subscribers that requested it. */
export class PipelineStatus implements Startable {
  readonly #options: PipelineStatusOptions;
  readonly #repeater = new Repeater(() => this.#send(), INTERVAL_S);

  constructor(options: PipelineStatusOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** Sends it without waiting for the next second, e.g. when a worker changes. */
  sendNow(): void {
    if (this.#repeater.isOn) void this.#repeater.now();
  }

  async #send(): Promise<undefined> {
    const { notifier, estimates, queues, snapshots, workers } = this.#options;
    if (!notifier.wantsPipelineStatus) return;
    const queue = await withinDeadline(INSPECT_TIMEOUT_MS, () => queues.inspect(queueNames.process)).catch(
      () => undefined,
    );
    estimates.compare(queue);
    const known = snapshots.known('events') ?? snapshots.known('management');
    const snapshot = known && { ...known.snapshot, age_seconds: known.ageSeconds };
    notifier.sendPipelineStatus(
      encode({
        type: 'pipeline',
        at: new Date().toISOString(),
        forecasts: this.#forecasts(queue),
        workers: [...workers.all],
        snapshot: snapshot ?? null,
      }),
    );
  }

  #forecasts(queue: QueueState): JobForecast[] {
    const { live, estimates } = this.#options;
    return estimates.next(LISTED_FORECASTS).flatMap((job_id) => {
      const view = live.get(job_id);
      const estimate = view && estimates.of(view, queue);
      if (estimate === undefined) return [];
      return [{ job_id, ...estimate, eta_range_seconds: estimates.range(estimate.eta_seconds) }];
    });
  }
}
