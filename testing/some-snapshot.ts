import type {
  QueueMetrics,
  Snapshot,
  Source,
  WorkerMetrics,
} from '@image-pipeline/shared/contracts/snapshot.ts';

const AT = '2026-01-01T12:00:00.000Z';

export const someSource = (changes: Partial<Source> = {}): Source => ({
  state: 'ok',
  updated_at: AT,
  age_seconds: 0.5,
  reason: null,
  ...changes,
});

export const someQueue = (name: string, changes: Partial<QueueMetrics> = {}): QueueMetrics => ({
  name,
  ready: 0,
  unacked: 0,
  publish_rate: 0,
  deliver_rate: 0,
  ack_rate: 0,
  consumers: 0,
  head_age_seconds: null,
  ...changes,
});

export const someWorker = (name: string, changes: Partial<WorkerMetrics> = {}): WorkerMetrics => ({
  name,
  slots: 2,
  busy: 1,
  utilisation: 0.5,
  last_seen: AT,
  live: true,
  ...changes,
});

/** A busy system. */
export function someSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  const stage = { p50: 0.5, p95: 12.25, p99: 1_234, mean: 0.03 };
  const peak = (value: number) => ({ value, at: AT });
  return {
    version: 1,
    updated_at: AT,
    age_seconds: 0.5,
    interval_seconds: 5,
    machine: { platform: 'linux x64', cores: 2, memory_bytes: 8_589_934_592, load_average: 1.5 },
    versions: { pipeline: '0.1.0', node: '24.21.0', rabbitmq: '4.1.2' },
    sources: { management: someSource(), events: someSource() },
    queues: [
      someQueue('image.events.log', { ready: 9_999 }),
      someQueue('image.jobs.dead', { ready: 3 }),
      someQueue('image.jobs.process', {
        ready: 1_234_567,
        unacked: 12_345,
        publish_rate: 123.4,
        deliver_rate: 4.75,
        ack_rate: 0.05,
        consumers: 100,
        head_age_seconds: 3_700,
      }),
      someQueue('image.jobs.retry.30s', { ready: 1 }),
      someQueue('image.jobs.retry.5s'),
      someQueue('image.webhooks.deliver'),
    ],
    dead_letters: { jobs: 3, webhooks: 0 },
    alarms: [],
    workers: [
      someWorker('worker-1'),
      someWorker(`worker-${'x'.repeat(60)}-2`, { slots: null, utilisation: null }),
    ],
    utilisation: { slots: 2, busy: 2, last_minute: 0.5 },
    jobs: { queued: 12, processing: 4, retrying: 1 },
    throughput: { completed_1m: 4.8, completed_5m: 3.2, failed_1m: 0.05, failed_5m: 0 },
    latency: {
      window_seconds: 300,
      samples: 960,
      stages: { total: stage, wait: stage, fetch: stage, process: stage, store: stage, notify: null },
    },
    failures_5m: { deadline_exceeded: 1, undecodable_image: 3 },
    totals: {
      accepted: 1_000_017,
      completed: 999_978,
      failed: 22,
      retried: 7,
      redelivered: 2,
      failed_by_code: { undecodable_image: 22 },
      since: AT,
    },
    peaks: { waiting: peak(20), processing: peak(4), throughput_1m: peak(5.5), workers: peak(2) },
    ledger: {
      accepted: 1_000_017,
      completed: 999_978,
      failed: 22,
      open: 17,
      in_broker: 17,
      unaccounted: 0,
    },
    ...changes,
  };
}
