import { sleep } from 'k6';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { errorCodes } from '../../shared/errors.ts';
import { address, type Image, text, wholeNumber } from './settings.ts';

export const apiUrl = address('API_URL', 'http://localhost:8000');
export const operations = text('OPERATIONS', 'resize,watermark');

/** Seconds after which an accepted job that has not ended counts as lost. */
const jobTimeout = wholeNumber('JOB_TIMEOUT', { min: 1, max: 86_400, fallback: 600 });
/** Seconds for which the API may delay a status until the job has ended. */
const WAIT_S = 20;
/** Pause before a retry if the API is unavailable, in seconds. */
const RETRY_S = 1;

/** An image and the file name of its upload. */
export interface Upload {
  readonly image: Image;
  readonly name: string;
}

/** Uploads an image. Returns the id of its job, or undefined if it was refused. */
export function upload(given: Upload): string | undefined {
  const { method, url, body, params } = uploadRequest(given);
  return jobIdIn(http.request(method, url, body, params));
}

/** Uploads all images at once. Returns the ids of the accepted jobs. */
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

type JobEnd = 'completed' | 'failed' | 'lost' | 'open';

/**
 * Waits until a job has ended, and counts the result. A job that is unknown to the API counts as lost.
 * @param seconds after which `open` is returned; without it, the job counts as lost after JOB_TIMEOUT
 */
export function follow(jobId: string, seconds?: number): JobEnd {
  const status = untilEnded(jobId, seconds ?? jobTimeout);
  if (status === 'unknown') return countLost(jobId, 'the API has no such job');
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

/** The status of the job when it has ended; `open` if it has not ended in time. */
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

/** The JSON object of the body; an empty object if there is none. */
export function jsonOf(response: { readonly body: unknown }): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(String(response.body));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** From the first byte of an upload to the last of its response, in milliseconds. */
const uploadTime = new Trend('upload_time', true);
/** From the upload to the result of a completed job, in milliseconds, by the clock of the system. */
export const timeToResult = new Trend('time_to_result', true);
export const accepted = new Counter('jobs_accepted');
/** Refused uploads, with the tag `code`: the error code of the response, or `no_response`. */
export const refused = new Counter('uploads_refused');
export const completed = new Counter('jobs_completed');
export const failed = new Counter('jobs_failed');
/** Accepted jobs that did not end in time, or that are unknown to the API. */
export const lost = new Counter('jobs_lost');
/** Jobs that took too long, which ends a capacity test. */
export const saturated = new Counter('capacity_saturated');

const refusalCodes = [...Object.keys(errorCodes), 'no_response', 'unknown'];

/** k6 reports a metric by tag only if it has a threshold; these are always met. */
export const refusalThresholds = Object.fromEntries(
  refusalCodes.map((code) => [`uploads_refused{code:${code}}`, ['count>=0']]),
);

function refusalCodeOf(given: unknown): string {
  return typeof given === 'string' && refusalCodes.includes(given) ? given : 'unknown';
}

/** The fields of k6's end-of-test data that are used here. */
export interface SummaryData {
  readonly metrics: Readonly<
    Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>
  >;
  readonly setup_data: unknown;
}

export function countOf(data: SummaryData, metric: string): number {
  return data.metrics[metric]?.values['count'] ?? 0;
}

/** Number of refused uploads by code, without zeros. */
export function refusals(data: SummaryData): Record<string, number> {
  return Object.fromEntries(
    refusalCodes
      .map((code) => [code, countOf(data, `uploads_refused{code:${code}}`)] as const)
      .filter(([, count]) => count > 0),
  );
}
