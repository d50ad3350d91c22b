import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const acceptedSchema = z.object({ job_id: z.string() });
const statusSchema = z.object({ status: z.string(), updated_at: z.string() });
const NO_RESPONSE = { status: 'no response', updated_at: '' };
const RESPONSE_MS = 30_000;
/** Maximum of `?wait`, in seconds. */
const MAX_WAIT_S = 10;
const RETRY_MS = 500;

/** Uploads that were accepted, and how their jobs ended. */
export class TrackedUploads {
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

  /** When each job ended, in milliseconds since 1970; filled by `settle`. */
  get endedAt(): readonly number[] {
    return this.#endedAt;
  }

  /** Uploads an image with an Idempotency-Key, and retries until it is accepted. */
  async send(file: string, operations: string): Promise<void> {
    const key = crypto.randomUUID();
    for (;;) {
      const jobId = await this.#try(file, operations, key).catch(() => undefined);
      if (jobId !== undefined) {
        this.#accepted.push(jobId);
        this.#acceptedAt.push(Date.now());
        return;
      }
      await delay(RETRY_MS);
    }
  }

  /** Number of accepted jobs by status, once all have ended, `deadlineMs` have passed, or `signal` has aborted. */
  async settle(deadlineMs: number, signal?: AbortSignal): Promise<Record<string, number>> {
    const deadline = performance.now() + deadlineMs;
    const isOver = () => performance.now() > deadline || signal?.aborted === true;
    const counts: Record<string, number> = {};
    for (const jobId of this.#accepted) {
      const end = await this.#endOf(jobId, deadline, isOver);
      counts[end] = (counts[end] ?? 0) + 1;
    }
    return counts;
  }

  async #try(file: string, operations: string, key: string): Promise<string | undefined> {
    const form = new FormData();
    form.set('file', await openAsBlob(join(this.#images, file)), file);
    form.set('operations', operations);
    const response = await fetch(`${this.#url}/upload`, {
      method: 'POST',
      body: form,
      headers: { 'Idempotency-Key': key },
      signal: AbortSignal.timeout(RESPONSE_MS),
    });
    return response.status === 202 ? acceptedSchema.parse(await response.json()).job_id : undefined;
  }

  async #endOf(jobId: string, deadline: number, isOver: () => boolean): Promise<string> {
    for (;;) {
      const left = Math.max(0, deadline - performance.now());
      const { status, updated_at } = await this.#statusOf(jobId, left).catch(() => NO_RESPONSE);
      if (status === 'completed' || status === 'failed') {
        this.#endedAt.push(Date.parse(updated_at));
        return status;
      }
      if (isOver()) return status;
      await delay(RETRY_MS);
    }
  }

  async #statusOf(jobId: string, waitMs: number): Promise<z.output<typeof statusSchema>> {
    const wait = Math.min(MAX_WAIT_S, Math.floor(waitMs / 1_000));
    const response = await fetch(`${this.#url}/status/${jobId}?wait=${wait}`, {
      signal: AbortSignal.timeout(RESPONSE_MS),
    });
    return statusSchema.parse(await response.json());
  }
}

/** The longest time between two neighbours, in the unit of the times; 0 of fewer than two. */
export function longestGap(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((time, i) => time - (sorted[i] ?? time)));
}
