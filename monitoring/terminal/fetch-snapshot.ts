import { messageOf } from '@image-pipeline/shared/errors.ts';
import { snapshotSchema, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** The service answers from memory; slower than this is away. */
const TIMEOUT_MS = 2_000;

/** The service does not answer, or something else does at its address. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** @throws Unreachable */
export async function fetchSnapshot(url: string): Promise<Snapshot> {
  try {
    const answer = await fetch(`${url}/status`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    return snapshotSchema.parse(await answer.json());
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const reason = messageOf(cause).split('\n')[0] || 'connection refused';
    throw new Unreachable(`The monitoring service at ${url} cannot be reached: ${reason}`, { cause: error });
  }
}
