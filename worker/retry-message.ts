import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { exchangeNames, type Rung } from '@image-pipeline/shared/broker/topology.ts';
import type { JobMessage, TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import type { JobContext } from './job-context.ts';

/**
 * The job again, for the rung that holds it until its next attempt. Its headers are built anew: a copied `x-death` or
 * `x-delivery-count` would make the broker take the message for one that runs in circles.
 */
export function retryMessage(
  job: JobContext,
  rung: Rung,
  hop: Pick<TimelineEntry, 'at' | 'retry_at' | 'worker' | 'error'>,
): OutgoingMessage {
  const { request, attempt, history, started } = job;
  const { job_id, run } = request;
  const body: JobMessage = {
    ...request,
    history: [...history, started, { state: 'retrying', run, attempt, ...hop }],
  };
  return {
    exchange: exchangeNames.retry,
    routingKey: rung.label,
    body,
    messageId: `${job_id}/${run}/${attempt + 1}`,
    correlationId: job_id,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-run': run, 'x-attempt': attempt + 1 },
  };
}
