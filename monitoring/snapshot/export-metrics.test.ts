import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { describe, expect, it } from 'vitest';
import { MetricsExporter } from './export-metrics.ts';
import type { BrokerSample, SampledQueue } from '../management/sample-broker.ts';
import { someQueue, someSnapshot, someSource, someWorker } from '../../testing/some-snapshot.ts';

const QUEUE = 'image.jobs.process';

function brokerWith(queue: Partial<SampledQueue>): BrokerSample {
  const known: SampledQueue = {
    metrics: someQueue(QUEUE, { unacked: 2 }),
    messages: 3,
    held: 3,
    counters: { publish: 0, deliver: 0, ack: 0 },
  };
  return { queues: [{ ...known, ...queue }], workers: [], connected: [], alarms: [] };
}

/** The exposed metrics after these refreshes, without those of Node. */
async function exposedAfter(
  ...refreshes: { snapshot?: Parameters<typeof someSnapshot>[0]; broker?: BrokerSample }[]
): Promise<string[]> {
  const metrics = createMetrics('monitoring');
  const exporter = new MetricsExporter(metrics);
  for (const { snapshot, broker } of refreshes) {
    exporter.export({ snapshot: someSnapshot(snapshot), broker, tookSeconds: 0.01 });
  }
  return (await metrics.render()).split('\n').filter((line) => /^(image|rabbitmq)_/.test(line));
}

const { totals } = someSnapshot();
const accepted = (count: number) => ({ totals: totals && { ...totals, accepted: count } });
const jobsIn = (lines: string[]) =>
  lines.filter((line) => /^image_(jobs|queue)_/.test(line) && !line.includes('_failed_total'));

describe('job metrics', () => {
  const behind = {
    sources: { management: someSource(), events: someSource({ state: 'unavailable', reason: 'being read' }) },
  };

  it('are not exposed until the log has been read to its end; totals keep their last value during an outage', async () => {
    expect(jobsIn(await exposedAfter({ snapshot: behind }))).toEqual([]);
    const shown = jobsIn(await exposedAfter({ snapshot: behind }, { snapshot: accepted(50) }));
    expect(shown).toContain('image_jobs_accepted_total 50');
    expect(shown).toContain('image_jobs_open{state="queued"} 12');
    const since = jobsIn(await exposedAfter({ snapshot: accepted(50) }, { snapshot: behind }));
    expect(since).toContain('image_jobs_accepted_total 50');
    expect(since.filter((line) => !line.includes('_total'))).toEqual([]);
  });
});

describe('RabbitMQ metrics', () => {
  it('continue after a counter reset', async () => {
    const published = (publish: number) => ({
      broker: brokerWith({ counters: { publish, deliver: 0, ack: 0 } }),
    });
    const lines = await exposedAfter(published(50), published(7));
    expect(lines).toContain(`rabbitmq_queue_messages_published_total{queue="${QUEUE}"} 57`);
  });

  it('that RabbitMQ has not counted yet are omitted, not 0', async () => {
    const uncounted = { metrics: someQueue(QUEUE, { unacked: null }), messages: null, held: null };
    const queues = [someQueue(QUEUE, { ready: null, consumers: null })];
    const lines = await exposedAfter(
      { broker: brokerWith({}) },
      { snapshot: { queues }, broker: brokerWith(uncounted) },
    );
    expect(
      lines.filter((line) => /^rabbitmq_queue_(messages(_ready|_unacked)?|consumers)\{/.test(line)),
    ).toEqual([]);
    const unknown = await exposedAfter({
      snapshot: { queues, workers: [] },
      broker: brokerWith(uncounted),
    });
    expect(unknown.filter((line) => /^image_(workers|pipeline)/.test(line))).toEqual([]);
    const counted = await exposedAfter(
      { broker: brokerWith(uncounted) },
      {
        snapshot: { queues: [someQueue(QUEUE, { consumers: 4 })], workers: [someWorker('worker-1')] },
        broker: brokerWith({}),
      },
    );
    expect(counted).toContain('image_pipeline_slots 2');
    expect(counted).toContain(`rabbitmq_queue_messages{queue="${QUEUE}"} 3`);
    expect(counted).toContain(`rabbitmq_queue_consumers{queue="${QUEUE}"} 4`);
  });
});
