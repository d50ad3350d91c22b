import { setTimeout as sleep } from 'node:timers/promises';
import { PublishRefused, PublishUnconfirmed, type OutgoingMessage, type Publisher } from './publisher.ts';

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 3_000;

/**
 * Publishes repeatedly until the broker confirms: only for messages that may arrive twice. Tries at least once, and
 * rejects with the last error when `signal` aborts between two attempts.
 */
export async function publishUntilConfirmed(
  publisher: Pick<Publisher, 'publish'>,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<void> {
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, MAX_DELAY_MS)) {
    try {
      await publisher.publish(message);
      return;
    } catch (error) {
      if (!(error instanceof PublishRefused || error instanceof PublishUnconfirmed)) throw error;
      if (signal.aborted) throw error;
      await sleep(delay * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
