import { signal } from '@preact/signals';
import { type ListedDeadLetter, readDeadLetters } from '../api.ts';
import { jobOf } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';

/** A dead letter is recorded well within this time after its job has failed. */
export const RECORDING_MS = 5_000;

/** The dead letters when they were last read, and when that was; undefined until they can be read. */
export const deadLetters = signal<
  { readonly letters: readonly ListedDeadLetter[]; readonly at: number } | undefined
>(undefined);

/** Jobs that were discarded on this page, and their runs then. */
const discarded = signal<ReadonlyMap<string, number>>(new Map());

/** @throws Problem; TypeError */
export async function updateDeadLetters(): Promise<void> {
  const at = Date.now();
  deadLetters.value = { letters: await readDeadLetters(), at };
}

/** They leave the list and the drawing at once, before they are read again. */
export function forgetDiscarded(gone: readonly ListedDeadLetter[]): void {
  const runs = gone.map(({ job_id, run }) => [job_id, Math.max(run, jobOf(job_id)?.run ?? 0)] as const);
  discarded.value = new Map([...discarded.value, ...runs]);
  const known = deadLetters.value;
  if (known === undefined) return;
  const left = known.letters.filter((letter) => !gone.includes(letter));
  deadLetters.value = { ...known, letters: left };
}

/** Whether a failed job has left the dead-letter queue, because its dead letter was discarded, here or elsewhere. */
export function wasDiscarded({ id, run, state, updatedAt }: Job): boolean {
  if (state !== 'failed') return false;
  if (run <= (discarded.value.get(id) ?? 0)) return true;
  const known = deadLetters.value;
  if (known === undefined || Date.parse(updatedAt) > known.at - RECORDING_MS) return false;
  return !known.letters.some(({ job_id }) => job_id === id);
}
