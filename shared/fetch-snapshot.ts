import { snapshotSchema, type Snapshot } from './contracts/snapshot.ts';
import { messageOf } from './errors.ts';
import { parsePrintable, printable } from './printable.ts';

/** A snapshot of a hundred workers has about 30 kB; a larger response is not a snapshot. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/** The monitoring service does not respond, or another program does at its address. */
export class MonitoringUnreachable extends Error {
  override readonly name = 'MonitoringUnreachable';
}

/**
 * Fetches the snapshot of the monitoring service.
 * @param url of the service, without `/status`
 * @param timeoutMs for the whole call, from connecting to the last byte
 * @param stopping ends the call when it aborts
 * @throws MonitoringUnreachable
 */
export async function fetchSnapshot(
  url: string,
  { timeoutMs, stopping }: { readonly timeoutMs: number; readonly stopping?: AbortSignal },
): Promise<Snapshot> {
  const late = AbortSignal.timeout(timeoutMs);
  const signal = stopping === undefined ? late : AbortSignal.any([late, stopping]);
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/status`, { signal });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    // Names of workers and connections in it end up on terminals and pages.
    const snapshot = snapshotSchema.safeParse(parsePrintable(await bounded(response)));
    if (!snapshot.success) throw new Error('the response is not a snapshot');
    return snapshot.data;
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
