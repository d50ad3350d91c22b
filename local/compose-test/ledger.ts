import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const acceptedSchema = z.object({ job_id: z.string() });
const statusSchema = z.object({ status: z.string() });
const ANSWER_MS = 30_000;
const AGAIN_MS = 500;

/** What was accepted, and what became of it. */
export class Ledger {
  readonly #url: string;
  readonly #images: string;
  readonly #accepted: string[] = [];

  /** @param images the folder of the test images */
  constructor(url: string, images: string) {
    this.#url = url;
    this.#images = images;
  }

  get accepted(): number {
    return this.#accepted.length;
  }

  /** Sends an image under a key of its own, again and again until it is accepted. */
  async send(file: string, operations: string): Promise<void> {
    const key = crypto.randomUUID();
    for (;;) {
      const jobId = await this.#try(file, operations, key).catch(() => undefined);
      if (jobId !== undefined) {
        this.#accepted.push(jobId);
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
      const status = await this.#statusOf(jobId).catch(() => 'no answer');
      if (status === 'completed' || status === 'failed' || performance.now() > deadline) return status;
      await delay(AGAIN_MS);
    }
  }

  async #statusOf(jobId: string): Promise<string> {
    const answer = await fetch(`${this.#url}/status/${jobId}?wait=10`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return statusSchema.parse(await answer.json()).status;
  }
}
