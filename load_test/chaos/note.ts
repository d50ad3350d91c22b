/** What a client wrote down of one answer to an upload, or of its absence. */
export type Note =
  | { readonly kind: 'accepted'; readonly at: number; readonly image: string; readonly jobId: string }
  /** A refusal that promises: nothing was taken. */
  | { readonly kind: 'refused'; readonly at: number; readonly image: string; readonly code: string }
  /** No answer, or one that says that it is not known: a job may have come of it, but nobody was promised one. */
  | { readonly kind: 'unknown'; readonly at: number; readonly image: string; readonly reason: string }
  /** The client has lost patience with this image. */
  | { readonly kind: 'given up'; readonly at: number; readonly image: string };

/** The job ids of the 202s. */
export function acceptedIds(notes: readonly Note[]): string[] {
  return notes.flatMap((note) => (note.kind === 'accepted' ? [note.jobId] : []));
}

export function countNotes(notes: readonly Note[], kind: Note['kind']): number {
  return notes.filter((note) => note.kind === kind).length;
}
