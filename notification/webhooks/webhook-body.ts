import type { EndEvent } from './read-webhook.ts';
import type { WebhookBody } from '@image-pipeline/shared/contracts/webhook.ts';

/**
 * What a receiver is told: what callers of the API see of the end, never where it lies in the store.
 * @param apiUrl what stands before the paths of the API, without a slash at its end; empty: addresses are relative
 */
export function webhookBody(event: EndEvent, apiUrl: string): WebhookBody {
  const { job_id, run, attempt, outcome } = event.data;
  const data = { job_id, run, attempt, status: outcome.state, status_url: `${apiUrl}/status/${job_id}` };
  if (outcome.state === 'failed') {
    return { type: event.type, timestamp: event.time, data: { ...data, error: outcome.error } };
  }
  const { content_type, size, width, height, sha256 } = outcome.result;
  const result = { url: `${apiUrl}/results/${job_id}`, content_type, size, width, height, sha256 };
  const thumbnail_url = `${apiUrl}/thumbnail/${job_id}`;
  return { type: event.type, timestamp: event.time, data: { ...data, result, thumbnail_url } };
}
