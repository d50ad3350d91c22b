import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { type Column, table } from '../../local/terminal/table.ts';
import { wrap } from '../../local/terminal/wrap.ts';
import { UserError } from '../../local/user-error.ts';

/** Where the output is not a terminal. */
const DEFAULT_WIDTH = 80;

/** The result of an experiment. */
export interface Conclusion {
  /** What happened, according to the evidence. */
  readonly observed: readonly string[];
  readonly lessons: readonly string[];
  /** Promises of the system that were broken, according to the evidence. */
  readonly violations: readonly string[];
}

/** A right-aligned column of numbers. */
export const right = (title: string): Column => ({ title, align: 'right' });

/** Input and output of an experiment. */
interface GuideTerminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

/** Guides you through an experiment: explains, shows each command before it runs, asks for predictions. */
export class Guide {
  readonly #terminal: GuideTerminal;
  readonly #stop: AbortSignal;
  #steps = 0;

  /** @param stop aborts at Ctrl-C: then every wait ends */
  constructor(terminal: GuideTerminal, stop: AbortSignal) {
    this.#terminal = terminal;
    this.#stop = stop;
  }

  get stop(): AbortSignal {
    return this.#stop;
  }

  title(text: string, introduction: string): void {
    this.#write(`\n${styleText('bold', text)}`);
    this.say(introduction);
  }

  /** Starts a numbered part of the experiment. */
  step(text: string): void {
    this.#steps += 1;
    this.#write(`\n${styleText('bold', `${this.#steps}. ${text}`)}`);
  }

  /** A paragraph. */
  say(text: string): void {
    this.#write(['', ...wrap(text, this.#width)].join('\n'));
  }

  /** Shows a command as you would type it; lines after the first are indented. */
  show(line: string): void {
    const [first = '', ...rest] = line.split('\n');
    const shown = [`$ ${first}`, ...rest.map((text) => `    ${text}`)];
    this.#write(`\n${styleText('cyan', shown.join('\n'))}`);
  }

  /** Shows a command, then runs it. */
  async run<Result>(line: string, action: () => Promise<Result>): Promise<Result> {
    this.#stop.throwIfAborted();
    this.show(line);
    return action();
  }

  /** Asks for a prediction; without a terminal, it does nothing. */
  async predict(question: string, choices: readonly string[]): Promise<void> {
    const { input, output } = this.#terminal;
    if (input.isTTY !== true || output.isTTY !== true) return;
    this.say(`Your prediction: ${question}`);
    const letters = choices.map((_, i) => String.fromCodePoint(97 + i));
    for (const [i, choice] of choices.entries()) this.#write(`  ${letters[i] ?? ''}) ${choice}`);
    const given = await this.#ask(`  ${letters.join(', ')} or Enter: `);
    const chosen = choices[letters.indexOf(given.trim().toLowerCase())];
    if (chosen !== undefined) this.say(`You expect: ${chosen}. Now see what happens.`);
  }

  evidence(title: string, columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    this.#write(`\n${title}`);
    for (const line of table(columns, rows)) this.#write(`  ${line}`);
  }

  /** @throws UserError if a promise was broken */
  conclude({ observed, lessons, violations }: Conclusion): void {
    this.#list('What you saw', observed);
    if (violations.length > 0) {
      this.#list('What should not have happened', violations);
      throw new UserError('\nThe system did not behave as expected. See: make logs');
    }
    this.#list('What this shows', lessons);
  }

  #list(title: string, items: readonly string[]): void {
    this.#write(`\n${styleText('bold', title)}\n`);
    for (const item of items) {
      const lines = wrap(item, this.#width - 4);
      this.#write(lines.map((line, i) => `${i === 0 ? '  - ' : '    '}${line}`).join('\n'));
    }
  }

  /** Returns an empty string at the end of the input. */
  async #ask(question: string): Promise<string> {
    const { input, output } = this.#terminal;
    const ended = new AbortController();
    const terminal = createInterface({ input, output });
    terminal.once('close', () => ended.abort());
    // In raw mode, Ctrl-C does not send a signal.
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    try {
      return await terminal.question(question, { signal: AbortSignal.any([ended.signal, this.#stop]) });
    } catch {
      this.#stop.throwIfAborted();
      return '';
    } finally {
      terminal.close();
    }
  }

  #write(line: string): void {
    this.#terminal.output.write(`${line}\n`);
  }

  get #width(): number {
    return Math.min(this.#terminal.output.columns ?? DEFAULT_WIDTH, 100);
  }
}

/**
 * Runs a guided experiment on this terminal until it ends or Ctrl-C is pressed. In both cases, the experiment restores the
 * system in `finally`.
 * @throws UserError with exit code 130 after Ctrl-C
 */
export async function guided(experiment: (guide: Guide) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  // Restoring the workers takes a moment; a second Ctrl-C skips it.
  const onSignal = () => (stop.signal.aborted ? process.exit(130) : stop.abort());
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await experiment(new Guide({ input: process.stdin, output: process.stdout }, stop.signal));
  } catch (error) {
    if (stop.signal.aborted)
      throw new UserError('\nStopped before the end.', { cause: error, exitCode: 130 });
    throw error;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
