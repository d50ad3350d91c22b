import type { QueueCounts } from '@image-pipeline/shared/broker/queue-inspector.ts';
import {
  buildTopology,
  countableQueues,
  jobQueueNames,
  retryQueueName,
} from '@image-pipeline/shared/broker/topology.ts';
import type { CommonConfig } from '@image-pipeline/shared/common-config.ts';
import { withinDeadline } from '@image-pipeline/shared/waiting.ts';

export interface QueueSamplerOptions {
  readonly queues: readonly string[];
  readonly inspect: (queue: string) => Promise<QueueCounts>;
  /** Maximum age of the metrics, in milliseconds. */
  readonly maxAgeMs: number;
  /** Timeout for all queues together, in milliseconds. */
  readonly timeoutMs: number;
  /** Called with new metrics at once. */
  readonly onNew?: (queueMetrics: QueueMetrics) => void;
}

/** The metrics of each queue. */
export interface QueueMetrics extends ReadonlyMap<string, QueueCounts> {
  /** By the monotonic clock, in milliseconds: what was queued later may be missing. */
  readonly requestedAt: number;
}

/** Undefined while the broker does not return them. */
export type ReadQueueMetrics = () => Promise<QueueMetrics | undefined>;

/** Undefined after `timeoutMs` milliseconds; the read goes on, and later callers get its metrics. */
export function withTimeout(read: ReadQueueMetrics, timeoutMs: number): ReadQueueMetrics {
  return () => withinDeadline(timeoutMs, read).catch(() => undefined);
}

/** Samples the queues at most once per `maxAgeMs`, for any number of callers. */
export function createQueueSampler(options: QueueSamplerOptions): ReadQueueMetrics {
  let newest: ReturnType<ReadQueueMetrics> | undefined;
  let sampledAt = -Infinity;
  return () => {
    if (newest === undefined || performance.now() - sampledAt > options.maxAgeMs) {
      sampledAt = performance.now();
      newest = sample(options).catch(() => undefined);
    }
    return newest;
  };
}

async function sample({ queues, inspect, timeoutMs, onNew }: QueueSamplerOptions) {
  const requestedAt = performance.now();
  const queueMetrics = await withinDeadline(timeoutMs, () =>
    Promise.all(queues.map(async (queue) => [queue, await inspect(queue)] as const)),
  );
  const byQueue = Object.assign(new Map(queueMetrics), { requestedAt });
  onNew?.(byQueue);
  return byQueue;
}

/** Maximum age of the queue metrics, and the timeout for reading them from the broker. */
const QUEUE_SAMPLING = { maxAgeMs: 1_000, timeoutMs: 1_000 } as const;
/** Timeout (ms) for queue metrics where they are optional, so that every status responds within a second. */
const SAMPLE_TIMEOUT_MS = 400;

/** The queues in which jobs wait, and all queues. */
export function createQueueSamplers({
  RETRY_DELAYS,
  WEBHOOK_RETRY_DELAYS,
  inspect,
  onNew,
}: Pick<CommonConfig, 'RETRY_DELAYS' | 'WEBHOOK_RETRY_DELAYS'> &
  Required<Pick<QueueSamplerOptions, 'inspect' | 'onNew'>>) {
  const topology = buildTopology({ jobs: RETRY_DELAYS, webhooks: WEBHOOK_RETRY_DELAYS });
  const waitingJobs = createQueueSampler({
    ...QUEUE_SAMPLING,
    queues: [...jobQueueNames, ...RETRY_DELAYS.map(retryQueueName)],
    inspect,
    onNew,
  });
  const allQueues = createQueueSampler({ ...QUEUE_SAMPLING, queues: countableQueues(topology), inspect });
  return {
    waitingJobs,
    waitingJobsInTime: withTimeout(waitingJobs, SAMPLE_TIMEOUT_MS),
    allQueues: withTimeout(allQueues, SAMPLE_TIMEOUT_MS),
  };
}

/** A sample of a queue. */
export interface QueueSample extends QueueCounts {
  readonly ageSeconds: number;
  /** Seconds since 1970. */
  readonly updatedAt: number;
  /** False for an earlier sample, because the broker does not respond now. */
  readonly isCurrent: boolean;
}

/** Returns the last known sample of one queue. */
export function rememberLastSample(
  queue: string,
  read: ReadQueueMetrics,
): () => Promise<QueueSample | undefined> {
  let last: { queueMetrics: QueueCounts; at: number; wall: number } | undefined;
  return async () => {
    const found = (await read())?.get(queue);
    if (found !== undefined && found !== last?.queueMetrics) {
      last = { queueMetrics: found, at: performance.now(), wall: Date.now() };
    }
    return (
      last && {
        ...last.queueMetrics,
        ageSeconds: (performance.now() - last.at) / 1_000,
        updatedAt: last.wall / 1_000,
        isCurrent: found !== undefined,
      }
    );
  };
}
