import type { QueueFigures } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

export interface QueueSamplerOptions {
  readonly queues: readonly string[];
  readonly inspect: (queue: string) => Promise<QueueFigures>;
  /** How old figures may be, in milliseconds. */
  readonly maxAgeMs: number;
  /** How long the broker may take for all of them, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of figures the moment they arrive. */
  readonly onNew?: (queueMetrics: ReadonlyMap<string, QueueFigures>) => void;
}

/** The figures of each queue; undefined while the broker does not give them. */
export type ReadQueueMetrics = () => Promise<ReadonlyMap<string, QueueFigures> | undefined>;

/** For those who would rather do without than wait longer, in milliseconds; the look goes on, and the next ones have it. */
export function withTimeout(read: ReadQueueMetrics, longestMs: number): ReadQueueMetrics {
  return () => withinDeadline(longestMs, read).catch(() => undefined);
}

/** Looks at the queues at most once in `maxAgeMs`, however many ask. */
export function createQueueSampler(options: QueueSamplerOptions): ReadQueueMetrics {
  let newest: ReturnType<ReadQueueMetrics> | undefined;
  let askedAt = -Infinity;
  return () => {
    if (newest === undefined || performance.now() - askedAt > options.maxAgeMs) {
      askedAt = performance.now();
      newest = sample(options).catch(() => undefined);
    }
    return newest;
  };
}

async function sample({ queues, inspect, timeoutMs, onNew }: QueueSamplerOptions) {
  const queueMetrics = await withinDeadline(timeoutMs, () =>
    Promise.all(queues.map(async (queue) => [queue, await inspect(queue)] as const)),
  );
  const byQueue = new Map(queueMetrics);
  onNew?.(byQueue);
  return byQueue;
}

/** What a look at a queue found. */
export interface QueueSample extends QueueFigures {
  readonly ageSeconds: number;
  /** Seconds since 1970. */
  readonly updatedAt: number;
  /** False for one that was found earlier, since the broker does not answer now. */
  readonly isCurrent: boolean;
}

/** Remembers what was found of one queue last. */
export function rememberLastSample(
  queue: string,
  read: ReadQueueMetrics,
): () => Promise<QueueSample | undefined> {
  let last: { queueMetrics: QueueFigures; at: number; wall: number } | undefined;
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
