/** What a client wrote down of one answer to an upload, or of its absence. */
export type Note = {
  /** The idempotency key, which all tries of one upload share. */
  readonly upload: string;
  readonly at: number;
  readonly image: string;
} & (
  | { readonly kind: 'accepted'; readonly jobId: string }
  /** A refusal that promises: nothing was taken. */
  | { readonly kind: 'refused'; readonly code: string }
  /** No answer, or one that says that it is not known: a job may have come of it, but nobody was promised one. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The client has lost patience with this image. */
  | { readonly kind: 'given up' }
);

/** The job ids of the 202s. */
export function acceptedIds(notes: readonly Note[]): string[] {
  return notes.flatMap((note) => (note.kind === 'accepted' ? [note.jobId] : []));
}

export function countNotes(notes: readonly Note[], kind: Note['kind']): number {
  return notes.filter((note) => note.kind === kind).length;
}

/** Uploads of which the client never learnt what became: a job may have come of each, unpromised. */
export function countUnresolved(notes: readonly Note[]): number {
  const of = (kind: Note['kind']) =>
    new Set(notes.filter((note) => note.kind === kind).map(({ upload }) => upload));
  const accepted = of('accepted');
  return [...of('unknown')].filter((upload) => !accepted.has(upload)).length;
}
