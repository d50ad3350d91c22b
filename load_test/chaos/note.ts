/** A client's record of one response to an upload, or of a missing response. */
export type Note = {
  /** The idempotency key, the same for all attempts of an upload. */
  readonly upload: string;
  readonly at: number;
  readonly image: string;
} & (
  | { readonly kind: 'accepted'; readonly jobId: string }
  /** A response that guarantees that there is no job. */
  | { readonly kind: 'refused'; readonly code: string }
  /** No response, or one with an unknown result: there may be a job. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The client stopped retrying. */
  | { readonly kind: 'abandoned' }
);

/** The job ids of the 202 responses. */
export function acceptedIds(notes: readonly Note[]): string[] {
  return notes.flatMap((note) => (note.kind === 'accepted' ? [note.jobId] : []));
}

export function countNotes(notes: readonly Note[], kind: Note['kind']): number {
  return notes.filter((note) => note.kind === kind).length;
}

/** Uploads without a known result: each may have a job that was not accepted by a response. */
export function countUnresolved(notes: readonly Note[]): number {
  const of = (kind: Note['kind']) =>
    new Set(notes.filter((note) => note.kind === kind).map(({ upload }) => upload));
  const accepted = of('accepted');
  return [...of('unknown')].filter((upload) => !accepted.has(upload)).length;
}
