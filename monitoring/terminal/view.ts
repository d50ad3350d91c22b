import type { Health, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Poll } from './history.ts';

/** The input of a view. */
export interface ViewState {
  /** Address of the monitoring service. */
  readonly url: string;
  readonly health: Health;
  /** The newest snapshot. */
  readonly snapshot: Snapshot;
  /** One entry per poll, oldest first, including the newest. */
  readonly history: readonly Poll[];
  /** Why the newest poll failed, and the age of the snapshot by now; undefined if it succeeded. */
  readonly away?: { readonly reason: string; readonly ageSeconds: number } | undefined;
}

/** Size of the terminal, in characters and lines. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Colours a text, without a change of its visible width; returns it unchanged if colours are off. */
export type Paint = (style: Style, text: string) => string;

/** A live view, as pure functions of the state. */
export interface View {
  readonly name: string;
  readonly description: string;
  readonly title: string;
  /** The lines above and below the workers, none longer than `width`. */
  readonly body: (
    seen: ViewState,
    width: number,
    paint: Paint,
  ) => { readonly above: readonly string[]; readonly below: readonly string[] };
  /** A summary in one line, for logs. */
  readonly line: (snapshot: Snapshot) => string;
}
