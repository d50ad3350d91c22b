import { snapshotSchema, type Snapshot } from './contracts/snapshot.ts';
import { messageOf } from './errors.ts';

/** A snapshot of a hundred workers has some 30 kB; at more than this, somebody else answers. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** The monitoring service does not answer, or something else does at its address. */
export class MonitoringUnreachable extends Error {
  override readonly name = 'MonitoringUnreachable';
}

/**
 * What the monitoring service knows.
 * @param url of the service, without `/status`
 * @param timeoutMs for all of it, from connecting to the last byte
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
    const answer = await fetch(`${url.replace(/\/+$/, '')}/status`, { signal });
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    const snapshot = snapshotSchema.safeParse(JSON.parse(await bounded(answer)));
    if (!snapshot.success) throw new Error('what it answers is no snapshot');
    return snapshot.data;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const reason = messageOf(cause).split('\n')[0] || 'connection refused';
    throw new MonitoringUnreachable(`The monitoring service at ${url} cannot be reached: ${reason}`, {
      cause: error,
    });
  }
}

async function bounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('it answers with far too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
