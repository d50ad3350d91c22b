import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Health } from '@image-pipeline/shared/contracts/health.ts';
import type { Look } from './history.ts';

/** What a view is drawn from. */
export interface Seen {
  /** Where the figures come from. */
  readonly url: string;
  readonly health: Health;
  /** The newest one. */
  readonly snapshot: Snapshot;
  /** One a look, oldest first, the newest included. */
  readonly history: readonly Look[];
  /** Why the newest look failed, and how old the snapshot is by now; undefined where it did not fail. */
  readonly away?: { readonly reason: string; readonly ageSeconds: number } | undefined;
}

/** Of the terminal, in characters and lines. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Colours a text whose width was settled before; leaves it as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string;

/** A live view, as pure functions of what was seen. */
export interface View {
  readonly name: string;
  readonly description: string;
  readonly title: string;
  /** What stands above and below the workers, no line longer than `width`. */
  readonly body: (
    seen: Seen,
    width: number,
    paint: Paint,
  ) => { readonly above: readonly string[]; readonly below: readonly string[] };
  /** The same in one line, for logs. */
  readonly line: (snapshot: Snapshot) => string;
}
