import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { bytesOf, type ChaosImage } from './chaos-image.ts';
import type { Note } from './note.ts';

const RESPONSE_TIMEOUT_MS = 30_000;
/** The pause after a request without a response. */
const PAUSE_MS = 500;
/** How long an image is retried. */
const RETRY_LIMIT_MS = 150_000;

const acceptedSchema = z.object({ job_id: z.string() });
const problemSchema = z.object({ code: z.string() });

/** Uploads like a real client and records every response. No job with a 202 may be lost. */
export class Client {
  readonly notes: Note[] = [];
  readonly #apiUrl: string;

  constructor(apiUrl: string) {
    this.#apiUrl = apiUrl;
  }

  /** Retries until the image is accepted or the time is up; waits as long as `Retry-After` says. */
  async upload(image: ChaosImage): Promise<string | undefined> {
    const until = performance.now() + RETRY_LIMIT_MS;
    const idempotencyKey = uuidv7();
    for (;;) {
      const { note, retryAfterMs } = await this.#send(image, idempotencyKey);
      this.notes.push(note);
      if (note.kind === 'accepted') return note.jobId;
      if (performance.now() + retryAfterMs > until) {
        this.notes.push({ kind: 'abandoned', upload: idempotencyKey, at: Date.now(), image: image.name });
        return undefined;
      }
      await sleep(retryAfterMs);
    }
  }

  /** Sends the image once. */
  async tryOnce(image: ChaosImage): Promise<Note> {
    const { note } = await this.#send(image, uuidv7());
    this.notes.push(note);
    return note;
  }

  async #send(image: ChaosImage, idempotencyKey: string): Promise<{ note: Note; retryAfterMs: number }> {
    const form = new FormData();
    form.append('file', new Blob([bytesOf(image)]), basename(image.name));
    form.append('operations', image.operations);
    const mark = () => ({ upload: idempotencyKey, at: Date.now(), image: image.name });
    try {
      const response = await fetch(`${this.#apiUrl}/upload`, {
        method: 'POST',
        headers: { 'idempotency-key': idempotencyKey },
        body: form,
        signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
      });
      const body: unknown = await response.json();
      if (response.status === 202) {
        const jobId = acceptedSchema.parse(body).job_id;
        return { note: { kind: 'accepted', ...mark(), jobId }, retryAfterMs: 0 };
      }
      const { code } = problemSchema.parse(body);
      const retryAfterMs = Number(response.headers.get('retry-after') ?? '1') * 1_000;
      // A 500 or a publish without its confirm: the job may exist.
      const isUnknown = code === 'publish_unconfirmed' || response.status === 500;
      const note: Note = isUnknown
        ? { kind: 'unknown', ...mark(), reason: code }
        : { kind: 'refused', ...mark(), code };
      return { note, retryAfterMs };
    } catch (error) {
      const reason = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : '';
      const note: Note = { kind: 'unknown', ...mark(), reason: `${messageOf(error)} ${reason}`.trim() };
      return { note, retryAfterMs: PAUSE_MS };
    }
  }
}
