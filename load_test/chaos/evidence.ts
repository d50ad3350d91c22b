import { createHash } from 'node:crypto';
import { type DeadLetter, deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { type Outcome, outcomeSchema } from '@image-pipeline/shared/contracts/outcome.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { deadKey, outcomeKey, resultsPrefix, thumbnailsPrefix } from '@image-pipeline/shared/store/keys.ts';
import { MAX_OBJECT_BYTES, type ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { readBytes, readJson } from '@image-pipeline/shared/store/read-object.ts';
import PQueue from 'p-queue';
import sharp from 'sharp';
import type { QueueDepth } from './broker-under-test.ts';
import type { Note } from './note.ts';

/** An image in the store. */
export interface ImageEvidence {
  readonly key: string;
  /** bytes */
  readonly size: number;
  readonly sha256: string;
  /** Its size in pixels, or the error of decoding it. */
  readonly decoded: { readonly width: number; readonly height: number } | { readonly error: string };
}

/** All objects of one job in the store. */
export interface JobEvidence {
  readonly jobId: string;
  readonly outcome: Outcome | undefined;
  readonly dead: DeadLetter | undefined;
  /** Results and thumbnails under its id, of every attempt. */
  readonly images: readonly ImageEvidence[];
}

/** The responses to the clients, and the state of the system after it has settled. */
export interface Evidence {
  readonly notes: readonly Note[];
  /** How the images must end, by name. */
  readonly expected: ReadonlyMap<string, Outcome['state']>;
  readonly jobs: readonly JobEvidence[];
  readonly queues: readonly QueueDepth[];
  /** How often a subscriber was notified of the end of each job. */
  readonly endNotifications: ReadonlyMap<string, number>;
  readonly temporaryFiles: readonly string[];
  /** Processes that should not be running. */
  readonly strays: readonly string[];
  /** Unexpected exits of services. */
  readonly crashes: readonly string[];
}

const CONCURRENCY = 8;

/** The prefix of UUIDv7s generated at this time; later ids sort after it. */
export function idsFrom(unixMs: number): string {
  const hex = unixMs.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/**
 * All objects of the jobs that were started since, accepted or not.
 * @param since the result of `idsFrom`
 */
export async function collectJobs(store: ObjectStore, since: string): Promise<JobEvidence[]> {
  const jobIds = new Set<string>();
  for await (const { key } of store.list('jobs/', { startAfter: `jobs/${since}` })) {
    jobIds.add(key.split('/')[1] ?? '');
  }
  const queue = new PQueue({ concurrency: CONCURRENCY });
  return Promise.all([...jobIds].map((jobId) => queue.add(() => collectJob(store, jobId))));
}

async function collectJob(store: ObjectStore, jobId: string): Promise<JobEvidence> {
  const images: ImageEvidence[] = [];
  for (const prefix of [resultsPrefix(jobId), thumbnailsPrefix(jobId)]) {
    for await (const { key } of store.list(prefix)) {
      const bytes = await readBytes(store, key, MAX_OBJECT_BYTES);
      if (bytes !== undefined) images.push(await inspectImage(key, bytes));
    }
  }
  return {
    jobId,
    outcome: await readJson(store, outcomeKey(jobId, 1), outcomeSchema),
    dead: await readJson(store, deadKey(jobId, 1), deadLetterSchema),
    images,
  };
}

/** Decodes every pixel, because a truncated image may have a valid header. */
async function inspectImage(key: string, bytes: Buffer): Promise<ImageEvidence> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const known = { key, size: bytes.length, sha256 };
  try {
    const { info } = await sharp(bytes, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
    return { ...known, decoded: { width: info.width, height: info.height } };
  } catch (error) {
    return { ...known, decoded: { error: messageOf(error) } };
  }
}
