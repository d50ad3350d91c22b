import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const acceptedSchema = z.object({ job_id: z.string() });
const statusSchema = z.object({ status: z.string(), updated_at: z.string() });
const NO_ANSWER = { status: 'no answer', updated_at: '' };
const ANSWER_MS = 30_000;
/** The API holds an answer for that long at most. */
const MAX_WAIT_S = 10;
const AGAIN_MS = 500;

/** What was accepted, and what became of it. */
export class Ledger {
  readonly #url: string;
  readonly #images: string;
  readonly #accepted: string[] = [];
  readonly #acceptedAt: number[] = [];
  readonly #endedAt: number[] = [];

  /** @param images the folder of the test images */
  constructor(url: string, images: string) {
    this.#url = url;
    this.#images = images;
  }

  get accepted(): number {
    return this.#accepted.length;
  }

  /** When each was accepted, in milliseconds since 1970. */
  get acceptedAt(): readonly number[] {
    return this.#acceptedAt;
  }

  /** When each ended, as far as `settle` has found out. */
  get endedAt(): readonly number[] {
    return this.#endedAt;
  }

  /** Sends an image under a key of its own, again and again until it is accepted. */
  async send(file: string, operations: string): Promise<void> {
    const key = crypto.randomUUID();
    for (;;) {
      const jobId = await this.#try(file, operations, key).catch(() => undefined);
      if (jobId !== undefined) {
        this.#accepted.push(jobId);
        this.#acceptedAt.push(Date.now());
        return;
      }
      await delay(AGAIN_MS);
    }
  }

  /** How many of the accepted jobs ended how, when all have, or when `deadlineMs` have passed. */
  async settle(deadlineMs: number): Promise<Record<string, number>> {
    const deadline = performance.now() + deadlineMs;
    const counts: Record<string, number> = {};
    for (const jobId of this.#accepted) {
      const end = await this.#endOf(jobId, deadline);
      counts[end] = (counts[end] ?? 0) + 1;
    }
    return counts;
  }

  async #try(file: string, operations: string, key: string): Promise<string | undefined> {
    const form = new FormData();
    form.set('file', await openAsBlob(join(this.#images, file)), file);
    form.set('operations', operations);
    const answer = await fetch(`${this.#url}/upload`, {
      method: 'POST',
      body: form,
      headers: { 'Idempotency-Key': key },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return answer.status === 202 ? acceptedSchema.parse(await answer.json()).job_id : undefined;
  }

  async #endOf(jobId: string, deadline: number): Promise<string> {
    for (;;) {
      const left = Math.max(0, deadline - performance.now());
      const { status, updated_at } = await this.#statusOf(jobId, left).catch(() => NO_ANSWER);
      if (status === 'completed' || status === 'failed') {
        this.#endedAt.push(Date.parse(updated_at));
        return status;
      }
      if (performance.now() > deadline) return status;
      await delay(AGAIN_MS);
    }
  }

  async #statusOf(jobId: string, waitMs: number): Promise<z.output<typeof statusSchema>> {
    const wait = Math.min(MAX_WAIT_S, Math.floor(waitMs / 1_000));
    const answer = await fetch(`${this.#url}/status/${jobId}?wait=${wait}`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return statusSchema.parse(await answer.json());
  }
}
