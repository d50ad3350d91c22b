import type { OutgoingMessage, Publisher } from '../broker/publisher.ts';
import { REPUBLISHED_HEADER } from '../broker/received-message.ts';
import { exchangeNames, routingKeys } from '../broker/topology.ts';
import { type JobMessage, type JobRequest } from '../contracts/job.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readOutcome, readRequest } from './read-run.ts';

/** The message of the first attempt of a run. */
export function jobMessage(request: JobRequest): OutgoingMessage {
  return {
    exchange: exchangeNames.jobs,
    routingKey: routingKeys.process,
    body: { ...request, history: [] } satisfies JobMessage,
    messageId: `${request.job_id}/${request.run}/1`,
    correlationId: request.job_id,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-run': request.run, 'x-attempt': 1 },
  };
}

/**
 * Publishes the message of a run again whose message was lost. Its attempts start over: the lost message had the history
 * of the earlier ones. Harmless if it is still in a queue, because the first outcome of a run wins.
 * @returns whether it was published; false if the run has ended, or has no request
 * @throws StoreUnavailable, PublishRefused, PublishUnconfirmed
 */
export async function republishRun(
  { job_id, run }: Pick<JobRequest, 'job_id' | 'run'>,
  { store, publisher }: { store: Pick<ObjectStore, 'get'>; publisher: Pick<Publisher, 'publish'> },
): Promise<boolean> {
  if ((await readOutcome(store, job_id, run)) !== undefined) return false;
  const request = await readRequest(store, job_id, run);
  if (request === undefined) return false;
  const message = jobMessage(request);
  await publisher.publish({ ...message, headers: { ...message.headers, [REPUBLISHED_HEADER]: 1 } });
  return true;
}
