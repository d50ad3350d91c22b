import { createHash } from 'node:crypto';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';

/** Hex digits: enough that an event of another log is not taken for the one that is meant. */
const FINGERPRINT_LENGTH = 8;
const EVENT_ID = /^(\d{1,15})-[0-9a-f]{8}$/;

/**
 * The `event_id` of an event: `{stream offset}-{fingerprint}`. The offset is the same for every replica and after
 * every restart, so a client may resume anywhere; the fingerprint tells whether the log is still the same one.
 */
export function eventIdOf(event: JobEvent, offset: number): string {
  const digest = createHash('sha256').update(`${event.id} ${event.time}`).digest('hex');
  return `${offset}-${digest.slice(0, FINGERPRINT_LENGTH)}`;
}

/** The offset in an `event_id`, or undefined where the text is none of ours. */
export function offsetOfEventId(eventId: string): number | undefined {
  const match = EVENT_ID.exec(eventId);
  return match === null ? undefined : Number(match[1]);
}
