import { sleep } from 'k6';
import http, { type RefinedResponse } from 'k6/http';
import type { Image } from './images.ts';
import {
  accepted,
  completed,
  failed,
  lost,
  refusalCodeOf,
  refused,
  timeToResult,
  uploadTime,
} from './job-metrics.ts';
import { address, text, wholeNumber } from './settings.ts';

export const apiUrl = address('API_URL', 'http://localhost:8000');
export const operations = text('OPERATIONS', 'resize,watermark');

/** Seconds after which an accepted job that has not ended counts as lost. */
const jobTimeout = wholeNumber('JOB_TIMEOUT', { min: 1, max: 86_400, fallback: 600 });
/** How long the API may hold a status until the job has ended, in seconds. */
const WAIT_S = 20;
/** Between two tries where the API does not respond or is unavailable, in seconds. */
const RETRY_S = 1;

/** An image and the file name under which it is sent. */
export interface Upload {
  readonly image: Image;
  readonly name: string;
}

/** Sends an image. Returns the id of its job, or undefined if it was refused. */
export function upload(given: Upload): string | undefined {
  const { method, url, body, params } = uploadRequest(given);
  return jobIdIn(http.request(method, url, body, params));
}

/** Sends images all at once. Returns the ids of the jobs that were accepted. */
export function uploadAll(uploads: readonly Upload[]): string[] {
  const responses = http.batch(uploads.map(uploadRequest));
  return responses.flatMap((response) => jobIdIn(response) ?? []);
}

function uploadRequest({ image, name }: Upload) {
  const params = { tags: { name: 'POST /upload' }, responseType: 'text', timeout: '120s' } as const;
  const body = { file: http.file(image.bytes, name, image.contentType), operations };
  return { method: 'POST', url: `${apiUrl}/upload`, body, params };
}

function jobIdIn(response: RefinedResponse<'text'>): string | undefined {
  uploadTime.add(response.timings.duration);
  const body = jsonOf(response);
  if (response.status === 202 && typeof body['job_id'] === 'string') {
    accepted.add(1);
    return body['job_id'];
  }
  refused.add(1, { code: response.status === 0 ? 'no_response' : refusalCodeOf(body['code']) });
  return undefined;
}

export type JobEnd = 'completed' | 'failed' | 'lost' | 'open';

/**
 * Waits for a job to end, and counts how it ended. A job that the API does not know is lost.
 * @param seconds after which `open` is returned; without it, the job counts as lost after JOB_TIMEOUT
 */
export function follow(jobId: string, seconds?: number): JobEnd {
  const status = untilEnded(jobId, seconds ?? jobTimeout);
  if (status === 'unknown') return countLost(jobId, 'the API does not know it');
  if (status === 'open') {
    return seconds === undefined ? countLost(jobId, `it did not end within ${jobTimeout} s`) : 'open';
  }
  if (status['status'] === 'failed') {
    failed.add(1);
    return 'failed';
  }
  completed.add(1);
  const [from, to] = [status['submitted_at'], status['updated_at']].map((time) => Date.parse(String(time)));
  if (from !== undefined && to !== undefined) timeToResult.add(Math.max(0, to - from));
  return 'completed';
}

/** The status of a job that has ended within this time. */
export function untilEnded(jobId: string, seconds: number): Record<string, unknown> | 'unknown' | 'open' {
  const deadline = Date.now() + seconds * 1_000;
  for (let left = seconds; left > 0; left = Math.ceil((deadline - Date.now()) / 1_000)) {
    const url = `${apiUrl}/status/${jobId}?wait=${Math.min(left, WAIT_S)}`;
    const response = http.get(url, {
      tags: { name: 'GET /status/{job_id}' },
      responseType: 'text',
      timeout: '60s',
    });
    const body = jsonOf(response);
    if (response.status === 200 && (body['status'] === 'completed' || body['status'] === 'failed'))
      return body;
    if (response.status === 404) return 'unknown';
    if (response.status !== 200) sleep(RETRY_S);
  }
  return 'open';
}

function countLost(jobId: string, because: string): 'lost' {
  lost.add(1);
  console.error(`Job ${jobId} was accepted and is lost: ${because}.`);
  return 'lost';
}

/** The body as an object; an empty one where it is none. */
export function jsonOf(response: { readonly body: unknown }): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(String(response.body));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
