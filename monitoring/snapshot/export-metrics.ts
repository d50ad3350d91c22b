import { knowsWorkers, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { errorCodes } from '@image-pipeline/shared/errors.ts';
import type { MetricName } from '@image-pipeline/shared/metric-definitions.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { holdsWaitingJobs } from '../runs/open-runs.ts';
import type { BrokerSample } from '../management/sample-broker.ts';

/** From the sample of RabbitMQ. */
const brokerGauges = [
  'rabbitmq_queue_messages_unacked',
  'rabbitmq_queue_messages',
  'rabbitmq_alarms_memory_used_watermark',
  'rabbitmq_alarms_free_disk_space_watermark',
  'image_workers',
  'image_pipeline_slots',
  'image_pipeline_busy_slots',
] as const satisfies readonly MetricName[];

/** From events, and from RabbitMQ's passive declarations. */
const eventGauges = [
  'rabbitmq_queue_messages_ready',
  'rabbitmq_queue_consumers',
  'image_jobs_open',
  'image_jobs_unaccounted',
  'image_jobs_waiting_peak',
  'image_jobs_processing_peak',
  'image_queue_head_age_seconds',
] as const satisfies readonly MetricName[];

/** Exposes each refresh to Prometheus. */
export class MetricsExporter {
  readonly #metrics: Metrics;
  /** The last value of each external counter. */
  readonly #seen = new Map<string, number>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** @param broker undefined if RabbitMQ could not be sampled: unknown is not the same as unchanged */
  export({
    snapshot,
    broker,
    tookSeconds,
  }: {
    snapshot: Snapshot;
    broker: BrokerSample | undefined;
    tookSeconds: number;
  }): void {
    const metrics = this.#metrics;
    metrics.increase('image_monitoring_refreshes_total', { result: broker === undefined ? 'failed' : 'ok' });
    metrics.observe('image_monitoring_refresh_duration_seconds', tookSeconds);
    metrics.set('image_monitoring_interval_seconds', snapshot.interval_seconds);
    for (const [source, { state }] of Object.entries(snapshot.sources))
      metrics.set('image_monitoring_source_up', Number(state === 'ok'), { source });
    for (const name of [...brokerGauges, ...eventGauges]) metrics.clear(name);
    if (broker !== undefined) {
      this.#exportBroker(broker);
      if (knowsWorkers(snapshot)) {
        metrics.set('image_workers', snapshot.workers.filter(({ live }) => live).length);
        metrics.set('image_pipeline_slots', snapshot.utilisation.slots);
      }
    }
    // Until the log has been read to its end, the totals are the stored ones, which would look like a counter reset.
    if (snapshot.sources.events.state === 'ok') this.#exportJobs(snapshot);
  }

  #exportCounts({ queues }: Snapshot): void {
    for (const { name: queue, ready, consumers } of queues) {
      if (ready !== null) this.#metrics.set('rabbitmq_queue_messages_ready', ready, { queue });
      if (consumers !== null) this.#metrics.set('rabbitmq_queue_consumers', consumers, { queue });
    }
  }

  #exportHeadAges({ queues }: Snapshot): void {
    for (const { name: queue, head_age_seconds } of queues) {
      if (holdsWaitingJobs(queue)) {
        this.#metrics.set('image_queue_head_age_seconds', head_age_seconds ?? 0, { queue });
      }
    }
  }

  #exportBroker({ queues, alarms }: BrokerSample): void {
    const metrics = this.#metrics;
    metrics.set('image_monitoring_last_sample_timestamp_seconds', Date.now() / 1_000);
    for (const { metrics: sampled, messages, counters } of queues) {
      const { name: queue, unacked } = sampled;
      if (unacked !== null) metrics.set('rabbitmq_queue_messages_unacked', unacked, { queue });
      if (messages !== null) metrics.set('rabbitmq_queue_messages', messages, { queue });
      if (counters.publish !== null)
        this.#advance('rabbitmq_queue_messages_published_total', counters.publish, { queue });
      this.#advance('rabbitmq_queue_messages_delivered_ack_total', counters.deliver, { queue });
      this.#advance('rabbitmq_queue_messages_acked_total', counters.ack, { queue });
    }
    const isOn = (resource: string) => Number(alarms.some((alarm) => alarm.resource === resource));
    metrics.set('rabbitmq_alarms_memory_used_watermark', isOn('memory'));
    metrics.set('rabbitmq_alarms_free_disk_space_watermark', isOn('disk'));
  }

  #exportJobs(snapshot: Snapshot): void {
    const metrics = this.#metrics;
    const { jobs, totals, peaks, ledger } = snapshot;
    this.#exportCounts(snapshot);
    this.#exportHeadAges(snapshot);
    // From events, but only for workers that RabbitMQ lists.
    if (snapshot.sources.management.state === 'ok' && knowsWorkers(snapshot))
      metrics.set('image_pipeline_busy_slots', snapshot.utilisation.busy);
    if (totals === null || peaks === null || ledger === null) return;
    for (const [state, count] of Object.entries(jobs)) metrics.set('image_jobs_open', count, { state });
    this.#advance('image_jobs_accepted_total', totals.accepted);
    this.#advance('image_jobs_completed_total', totals.completed);
    this.#advance('image_jobs_retried_total', totals.retried);
    this.#advance('image_jobs_redelivered_total', totals.redelivered);
    // One series per error code; unknown codes in old events get none.
    for (const code of Object.keys(errorCodes)) {
      this.#advance('image_jobs_failed_total', totals.failed_by_code[code] ?? 0, { code });
    }
    metrics.set('image_jobs_unaccounted', ledger.unaccounted);
    metrics.set('image_jobs_waiting_peak', peaks.waiting.value);
    metrics.set('image_jobs_processing_peak', peaks.processing.value);
  }

  /** A counter that fell was reset at its source. */
  #advance(name: MetricName, value: number, labels: Readonly<Record<string, string>> = {}): void {
    const key = `${name} ${Object.values(labels).join(' ')}`;
    const before = this.#seen.get(key) ?? 0;
    this.#metrics.increase(name, labels, value >= before ? value - before : value);
    this.#seen.set(key, value);
  }
}
