/** The alternate screen, without a cursor; lines that are too long for a very narrow terminal are cut, not wrapped. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
/** Before the line: after a line of full width, many terminals would clear its last character. */
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const FALLBACK_WIDTH = 80;
const FALLBACK_HEIGHT = 24;

/** The members of `process.stdout` that are used. */
export interface Terminal {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  readonly write: (text: string) => unknown;
}

/** A full-screen terminal, repainted in place. `close` restores its previous content and the cursor. */
export class Screen {
  readonly #out: Terminal;
  #lines: readonly string[] = [];
  #isOpen = false;

  constructor(out: Terminal) {
    this.#out = out;
  }

  get width(): number {
    return this.#out.columns || FALLBACK_WIDTH;
  }

  /** The last line stays empty: the cursor is there. */
  get height(): number {
    return Math.max(1, (this.#out.rows || FALLBACK_HEIGHT) - 1);
  }

  paint(lines: readonly string[]): void {
    this.#lines = lines;
    const text = lines
      .slice(0, this.height)
      .map((line) => `${CLEAR_LINE}${line}\n`)
      .join('');
    this.#out.write(`${this.#isOpen ? '' : ENTER}${HOME}${text}${CLEAR_BELOW}`);
    this.#isOpen = true;
  }

  /** Restores the terminal and prints the last painted lines below its previous content. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#out.write(`${LEAVE}${this.#lines.join('\n')}\n`);
  }
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

/**
 * Reads keys one by one, and calls `onQuit` on Ctrl-C, Ctrl-D or q. Ctrl-C does not send a signal meanwhile: it would also
 * reach `make` and `npx`, whose exit codes would replace ours. Does nothing if the input is not a terminal.
 * @returns a function that stops reading
 */
export function watchKeys(input: NodeJS.ReadStream, onQuit: () => void): () => void {
  if (!input.isTTY) return () => undefined;
  const onData = (data: Buffer) => {
    const keys = data.toString();
    if ([CTRL_C, CTRL_D, 'q', 'Q'].some((key) => keys.includes(key))) onQuit();
  };
  input.setRawMode(true);
  input.on('data', onData);
  return () => {
    input.off('data', onData);
    input.setRawMode(false);
    input.pause();
  };
}
