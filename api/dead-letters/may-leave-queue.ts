import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/**
 * Whether a message may be taken out of the dead letter queue: its letter was replayed or removed, or its run
 * completed after all, of which there is no letter. One without any record stays: its burial is under way.
 */
export function mayLeaveQueue(letter: DeadLetter | undefined, outcome: Outcome | undefined): boolean {
  if (letter !== undefined) return letter.state !== 'dead';
  return outcome?.state === 'completed';
}
