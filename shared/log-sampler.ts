interface Window {
  logged: number;
  suppressed: number;
}

/** Texts of log lines may contain texts of errors; all kinds beyond these count as one. */
const MAX_KINDS = 200;
const OTHER = 'other log lines';

export interface LogSample {
  /** Lines of one kind that are logged in each window. */
  readonly linesPerWindow: number;
  /** From the first line of a kind, in milliseconds. */
  readonly windowMs: number;
}

/** Decides which of many equal lines are logged, and reports how many were not. */
export class LogSampler {
  readonly #report: (line: string) => void;
  readonly #sample: LogSample;
  readonly #windows = new Map<string, Window>();

  /** @param report called at the end of each window in which lines were suppressed */
  constructor(report: (line: string) => void, sample: LogSample = { linesPerWindow: 20, windowMs: 10_000 }) {
    this.#report = report;
    this.#sample = sample;
  }

  /** Whether to log one more line of this kind. */
  take(kind: string): boolean {
    const key = this.#windows.has(kind) || this.#windows.size < MAX_KINDS ? kind : OTHER;
    const window = this.#windows.get(key) ?? this.#open(key);
    if (window.logged < this.#sample.linesPerWindow) {
      window.logged++;
      return true;
    }
    window.suppressed++;
    return false;
  }

  #open(kind: string): Window {
    const { windowMs } = this.#sample;
    const window = { logged: 0, suppressed: 0 };
    this.#windows.set(kind, window);
    setTimeout(() => {
      this.#windows.delete(kind);
      if (window.suppressed === 0) return;
      this.#report(`${kind}: suppressed ${window.suppressed} similar log lines in ${windowMs / 1_000} s`);
    }, windowMs).unref();
    return window;
  }
}
