import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import type { QueueDepth } from './broker-under-test.ts';
import type { Note } from './note.ts';

/** An image in the store as it really is. */
export interface ImageEvidence {
  readonly key: string;
  /** bytes */
  readonly size: number;
  readonly sha256: string;
  /** Why it cannot be decoded, or its size in pixels. */
  readonly decoded: { readonly width: number; readonly height: number } | { readonly error: string };
}

/** All that the store has of one job. */
export interface JobEvidence {
  readonly jobId: string;
  readonly outcome: Outcome | undefined;
  readonly dead: DeadLetter | undefined;
  /** Results and thumbnails under its id, of every attempt. */
  readonly images: readonly ImageEvidence[];
}

/** What a ledger is made of: what clients were promised, and what there is. */
export interface Evidence {
  readonly notes: readonly Note[];
  /** How the images must end, by name. */
  readonly expected: ReadonlyMap<string, Outcome['state']>;
  readonly jobs: readonly JobEvidence[];
  readonly queues: readonly QueueDepth[];
  /** How often a subscriber was told the end of each job; undefined where nobody watched. */
  readonly toldEnds: ReadonlyMap<string, number> | undefined;
  readonly temporaryFiles: readonly string[];
  /** Processes that should not be there (any more). */
  readonly strays: readonly string[];
  /** Ends of services that nobody asked for. */
  readonly crashes: readonly string[];
}
