import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { IDEMPOTENCY_HEADER } from './idempotency-key.ts';

/** The idempotency keys of uploads that this replica is working on. */
export class KeysInHand {
  readonly #keys = new Set<string>();

  /** Does `work` unless an upload with this key is in hand. @throws PipelineError `idempotency_key_in_hand` */
  async during<Result>(key: string | undefined, work: () => Promise<Result>): Promise<Result> {
    if (key === undefined) return work();
    if (this.#keys.has(key)) {
      throw new PipelineError(
        'idempotency_key_in_hand',
        `The first upload with this ${IDEMPOTENCY_HEADER} has not been answered yet; ask again in a moment.`,
      );
    }
    this.#keys.add(key);
    try {
      return await work();
    } finally {
      this.#keys.delete(key);
    }
  }
}
