import type { Source } from '@image-pipeline/shared/contracts/snapshot.ts';

/** When something that is looked at again and again last answered, by the steady clock. */
export class SourceWatch {
  #good: { readonly wall: number; readonly steady: number } | undefined;
  #reason: string | undefined;

  succeeded(): void {
    this.#good = { wall: Date.now(), steady: performance.now() };
    this.#reason = undefined;
  }

  failed(reason: string): void {
    this.#reason = reason;
  }

  get ageSeconds(): number | undefined {
    return this.#good && (performance.now() - this.#good.steady) / 1_000;
  }

  /** Milliseconds since 1970. */
  get lastGood(): number | undefined {
    return this.#good?.wall;
  }

  get source(): Source {
    const isOk = this.#good !== undefined && this.#reason === undefined;
    return {
      state: this.#good === undefined ? 'never' : isOk ? 'ok' : 'away',
      updated_at: this.#good === undefined ? null : new Date(this.#good.wall).toISOString(),
      age_seconds: this.ageSeconds ?? null,
      reason: this.#reason ?? null,
    };
  }
}
