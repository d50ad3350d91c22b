import type { QueueFigures } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

export interface QueueFiguresOptions {
  readonly queues: readonly string[];
  readonly inspect: (queue: string) => Promise<QueueFigures>;
  /** How old figures may be, in milliseconds. */
  readonly maxAgeMs: number;
  /** How long the broker may take for all of them, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of figures the moment they arrive. */
  readonly onNew?: (figures: ReadonlyMap<string, QueueFigures>) => void;
}

/** The figures of each queue; undefined while the broker does not give them. */
export type ReadQueueFigures = () => Promise<ReadonlyMap<string, QueueFigures> | undefined>;

/** For those who would rather do without than wait longer, in milliseconds; the look goes on, and the next ones have it. */
export function withoutWaiting(read: ReadQueueFigures, longestMs: number): ReadQueueFigures {
  return () => withinDeadline(longestMs, read).catch(() => undefined);
}

/** Looks at the queues at most once in `maxAgeMs`, however many ask. */
export function createQueueFigures(options: QueueFiguresOptions): ReadQueueFigures {
  let newest: ReturnType<ReadQueueFigures> | undefined;
  let askedAt = -Infinity;
  return () => {
    if (newest === undefined || performance.now() - askedAt > options.maxAgeMs) {
      askedAt = performance.now();
      newest = look(options).catch(() => undefined);
    }
    return newest;
  };
}

async function look({ queues, inspect, timeoutMs, onNew }: QueueFiguresOptions) {
  const figures = await withinDeadline(timeoutMs, () =>
    Promise.all(queues.map(async (queue) => [queue, await inspect(queue)] as const)),
  );
  const byQueue = new Map(figures);
  onNew?.(byQueue);
  return byQueue;
}

/** What a look at a queue found. */
export interface QueueLook extends QueueFigures {
  readonly ageSeconds: number;
  /** Seconds since 1970. */
  readonly updatedAt: number;
  /** False for one that was found earlier, since the broker does not answer now. */
  readonly isCurrent: boolean;
}

/** Remembers what was found of one queue last. */
export function createQueueLook(queue: string, read: ReadQueueFigures): () => Promise<QueueLook | undefined> {
  let last: { figures: QueueFigures; at: number; wall: number } | undefined;
  return async () => {
    const found = (await read())?.get(queue);
    if (found !== undefined && found !== last?.figures) {
      last = { figures: found, at: performance.now(), wall: Date.now() };
    }
    return (
      last && {
        ...last.figures,
        ageSeconds: (performance.now() - last.at) / 1_000,
        updatedAt: last.wall / 1_000,
        isCurrent: found !== undefined,
      }
    );
  };
}
