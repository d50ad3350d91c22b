import type { QueueFigures } from '@image-pipeline/shared/broker/queue-inspector.ts';
import type { ReadQueueFigures } from './queue-metrics.ts';

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
