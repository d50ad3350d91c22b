import type { QueueFigures } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { createQueueFigures } from '../queue-figures.ts';

/** What a look at a queue found. */
export interface QueueLook extends QueueFigures {
  readonly ageSeconds: number;
  /** Seconds since 1970. */
  readonly updatedAt: number;
  /** False for one that was found earlier, since the broker does not answer now. */
  readonly isCurrent: boolean;
}

export interface QueueLookOptions {
  readonly queue: string;
  readonly inspect: (queue: string) => Promise<QueueFigures>;
  /** How old a look may be before the broker is asked again, and how long the broker may take, in milliseconds. */
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
}

/** Looks at one queue, at most once in `maxAgeMs` however many ask, and remembers what was found last. */
export function createQueueLook({
  queue,
  ...options
}: QueueLookOptions): () => Promise<QueueLook | undefined> {
  const read = createQueueFigures({ queues: [queue], ...options });
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
