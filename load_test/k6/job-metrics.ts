import { Counter, Trend } from 'k6/metrics';
import { errorCodes } from '../../shared/errors.ts';

/** From the first byte of an upload to the last of its response, in milliseconds. */
export const uploadTime = new Trend('upload_time', true);
/** From the upload to the result of a job that completed, in milliseconds, by the system's own clock. */
export const timeToResult = new Trend('time_to_result', true);
export const accepted = new Counter('jobs_accepted');
/** Uploads, each with the tag `code`: the error code of the response, or `no_response`. */
export const refused = new Counter('uploads_refused');
export const completed = new Counter('jobs_completed');
export const failed = new Counter('jobs_failed');
/** Accepted jobs that did not end in time or that the API does not know. */
export const lost = new Counter('jobs_lost');
/** Jobs that took so long that a capacity test stopped. */
export const saturated = new Counter('capacity_saturated');

const refusalCodes = [...Object.keys(errorCodes), 'no_response', 'unknown'];

/** k6 keeps a metric by tag only where it has a threshold; these always hold. */
export const refusalThresholds = Object.fromEntries(
  refusalCodes.map((code) => [`uploads_refused{code:${code}}`, ['count>=0']]),
);

/** What the summary reads of the metrics of time. */
export const summaryTrendStats = ['avg', 'med', 'p(95)', 'p(99)'];

/** A run fails, with exit code 99, when a job is lost. */
export const thresholds = { jobs_lost: ['count==0'], ...refusalThresholds };

export function refusalCodeOf(given: unknown): string {
  return typeof given === 'string' && refusalCodes.includes(given) ? given : 'unknown';
}

/** k6's end-of-test data, as far as it is read here. */
export interface SummaryData {
  readonly metrics: Readonly<
    Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>
  >;
  readonly setup_data: unknown;
}

export function countOf(data: SummaryData, metric: string): number {
  return data.metrics[metric]?.values['count'] ?? 0;
}

/** How many uploads were refused, by code; those that do not occur are left out. */
export function refusals(data: SummaryData): Record<string, number> {
  return Object.fromEntries(
    refusalCodes
      .map((code) => [code, countOf(data, `uploads_refused{code:${code}}`)] as const)
      .filter(([, count]) => count > 0),
  );
}
