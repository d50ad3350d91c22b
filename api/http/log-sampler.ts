interface Window {
  logged: number;
  suppressed: number;
}

export interface LogSamplerOptions {
  /** Lines of one kind that are logged in each window. */
  readonly linesPerWindow: number;
  /** From the first line of a kind, in milliseconds. */
  readonly windowMs: number;
  /** Called at the end of a window in which lines were suppressed. */
  readonly onSuppressed: (kind: string, count: number) => void;
}

/** Decides which of many equal lines are logged, and counts the others. The number of kinds must be bounded. */
export class LogSampler {
  readonly #options: LogSamplerOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: LogSamplerOptions) {
    this.#options = options;
  }

  /** Whether to log one more line of this kind. */
  take(kind: string): boolean {
    const window = this.#windows.get(kind) ?? this.#open(kind);
    if (window.logged < this.#options.linesPerWindow) {
      window.logged++;
      return true;
    }
    window.suppressed++;
    return false;
  }

  #open(kind: string): Window {
    const { windowMs, onSuppressed } = this.#options;
    const window = { logged: 0, suppressed: 0 };
    this.#windows.set(kind, window);
    setTimeout(() => {
      this.#windows.delete(kind);
      if (window.suppressed > 0) onSuppressed(kind, window.suppressed);
    }, windowMs).unref();
    return window;
  }
}
