import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Health } from '@image-pipeline/shared/contracts/health.ts';

/** What a view is drawn from. */
export interface Seen {
  /** Where the figures come from. */
  readonly url: string;
  readonly health: Health;
  readonly snapshot: Snapshot;
  /** One a look, oldest first, this one included. */
  readonly history: readonly Snapshot[];
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Colours a text whose width was settled before; leaves it as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string;

/** A live view, as a pure function of what was seen. */
export interface View {
  readonly name: string;
  readonly description: string;
  /** The screen, no line longer than `width`. */
  readonly lines: (seen: Seen, width: number, paint: Paint) => string[];
  /** The same in one line, for logs. */
  readonly line: (snapshot: Snapshot) => string;
}
