import type { z } from 'zod';
import { type LostJobs, lostJobsSchema, snapshotSchema, type Snapshot } from './contracts/snapshot.ts';
import { messageOf } from './errors.ts';
import { parsePrintable, printable } from './printable.ts';

/** A snapshot of a hundred workers has about 30 kB, the list of 100,000 lost jobs 6 MB. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/** The monitoring service does not respond, or another program does at its address. */
export class MonitoringUnreachable extends Error {
  override readonly name = 'MonitoringUnreachable';
}

interface FetchOptions {
  /** For the whole call, from connecting to the last byte. */
  readonly timeoutMs: number;
  /** Ends the call when it aborts. */
  readonly stopping?: AbortSignal;
}

/**
 * Fetches the snapshot of the monitoring service.
 * @param url of the service, without `/status`
 * @throws MonitoringUnreachable
 */
export function fetchSnapshot(url: string, options: FetchOptions): Promise<Snapshot> {
  return fetchFrom(url, '/status', snapshotSchema, options);
}

/**
 * Fetches the list of lost jobs from the monitoring service.
 * @param url of the service, without `/lost-jobs`
 * @throws MonitoringUnreachable, also if the service does not know them yet
 */
export function fetchLostJobs(url: string, options: FetchOptions): Promise<LostJobs> {
  return fetchFrom(url, '/lost-jobs', lostJobsSchema, options);
}

async function fetchFrom<Schema extends z.ZodType>(
  url: string,
  path: string,
  schema: Schema,
  { timeoutMs, stopping }: FetchOptions,
): Promise<z.output<Schema>> {
  const late = AbortSignal.timeout(timeoutMs);
  const signal = stopping === undefined ? late : AbortSignal.any([late, stopping]);
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, { signal });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    // Names of workers and connections in it end up on terminals and pages.
    const body = schema.safeParse(parsePrintable(await bounded(response)));
    if (!body.success) throw new Error(`the response is not that of ${path}`);
    return body.data;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    // Quotes the response where that is not JSON.
    const reason = printable(messageOf(cause).split('\n')[0] || 'connection refused', 200);
    throw new MonitoringUnreachable(`The monitoring service at ${url} cannot be reached: ${reason}`, {
      cause: error,
    });
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) throw new Error('the response is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
