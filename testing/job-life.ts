import { v7 as uuidv7 } from 'uuid';
import {
  endedEvent,
  postponedEvent,
  queuedEvent,
  retryingEvent,
  startedEvent,
  type JobEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import { POSTPONED_BECAUSE } from '@image-pipeline/shared/contracts/job-order.ts';
import { queuedEntry, type JobRequest, type TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import type { CompletedOutcome, FailedOutcome, Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

const SHA256 = 'a'.repeat(64);
const WORKER = 'worker-1';

/** The request of a job that was submitted just now. */
export function someRequest(changes: Partial<JobRequest> = {}): JobRequest {
  return {
    version: 1,
    job_id: uuidv7(),
    run: 1,
    submitted_at: new Date().toISOString(),
    original: { name: 'sample.jpg', content_type: 'image/jpeg', size: 120_000, sha256: SHA256 },
    operations: [{ type: 'resize', width: 800, height: 600, fit: 'contain', enlarge: false }],
    output: { format: null, quality: 85 },
    ...changes,
  };
}

export function completedOutcome(request: JobRequest, attempt = 1): CompletedOutcome {
  const image = {
    content_type: 'image/jpeg' as const,
    size: 40_000,
    sha256: SHA256,
    width: 800,
    height: 450,
  };
  return {
    ...beginningOfOutcome(request, attempt),
    state: 'completed',
    source: { width: 1920, height: 1080 },
    result: { ...image, key: `results/${request.job_id}/attempt-${attempt}.jpg` },
    thumbnail: { ...image, key: `thumbnails/${request.job_id}/attempt-${attempt}.jpg` },
    timings: { wait_ms: 2, fetch_ms: 1, process_ms: 50, store_ms: 3 },
  };
}

export function failedOutcome(request: JobRequest, attempt = 1): FailedOutcome {
  return {
    ...beginningOfOutcome(request, attempt),
    state: 'failed',
    error: { code: 'undecodable_image', reason: 'The bytes cannot be decoded.' },
  };
}

/** The events of a run that needs no second attempt, in the order of a job's life. */
export function lifeOf(request: JobRequest, outcome: Outcome = completedOutcome(request)): JobEvent[] {
  return [queuedEvent(request), started(request), endedEvent(request, outcome)];
}

export function started(request: JobRequest, attempt = 1): JobEvent {
  return startedEvent(request, attempt, WORKER, new Date().toISOString());
}

export function retrying(request: JobRequest, attempt = 1): JobEvent {
  const at = new Date().toISOString();
  const error = { code: 'deadline_exceeded', reason: 'It took too long.' };
  return retryingEvent(request, attempt, { worker: WORKER, at, retry_at: at, error });
}

/** @param postponement of the second attempt, from 1; each postpones it by another minute */
export function postponed(request: JobRequest, postponement: number, worker = WORKER): JobEvent {
  const now = Date.parse(request.submitted_at) + postponement * 60_000;
  const at = new Date(now).toISOString();
  const retry_at = new Date(now + 60_000).toISOString();
  const reason = POSTPONED_BECAUSE;
  return postponedEvent(request, 1, { worker, at, retry_at, postponement, reason });
}

function beginningOfOutcome(request: JobRequest, attempt: number) {
  const at = new Date().toISOString();
  const { job_id, run } = request;
  const entry = { at, run, worker: WORKER };
  const retried = Array.from({ length: attempt - 1 }, (_, index): TimelineEntry[] => [
    { state: 'processing', ...entry, attempt: index + 1 },
    { state: 'retrying', ...entry, attempt: index + 1 },
  ]);
  const timeline: TimelineEntry[] = [
    queuedEntry(request),
    ...retried.flat(),
    { state: 'processing', ...entry, attempt },
  ];
  const attempt_id = `attempt-${attempt}`;
  return { version: 1, job_id, run, attempt, attempt_id, worker: WORKER, finished_at: at, timeline } as const;
}
