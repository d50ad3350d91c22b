import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import type { Deliveries } from './callback-response.ts';
import { hasEnded } from './followed-jobs.ts';
import type { JobSources } from './read-status.ts';

/**
 * The attempts to deliver webhooks of a job: none before a run of it has ended, and none that cannot be read. Undefined
 * while the store does not answer: what is known of the job is told without them.
 */
export async function readDeliveries(
  view: JobView,
  { store, unlessAway }: Pick<JobSources, 'store' | 'unlessAway'>,
): Promise<Deliveries> {
  const { callback_url, job_id, run } = view.request;
  if (callback_url === undefined || (run === 1 && !hasEnded(view))) return [];
  return unlessAway(() => readWebhookAttempts(store, job_id));
}
