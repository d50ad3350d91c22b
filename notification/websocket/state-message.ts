import {
  ALL_JOBS,
  type AllJobsStateMessage,
  type JobStateMessage,
  type UnknownStateMessage,
} from '@image-pipeline/shared/contracts/websocket.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';

/**
 * The current state of a job as sent to its subscribers.
 * @param eventId where to resume; undefined before the first event
 */
export function jobStateMessage(
  jobId: string,
  view: JobView | undefined,
  eventId: string | undefined,
): JobStateMessage | UnknownStateMessage {
  const head = { type: 'state', job_id: jobId, event_id: eventId } as const;
  if (view === undefined) return { ...head, state: 'unknown' };
  const { request, attempt, state, timeline, outcome } = view;
  const message = { ...head, state, run: request.run, attempt, timeline: [...timeline] };
  switch (outcome?.state) {
    case undefined:
      return message;
    case 'completed':
      return { ...message, result: outcome.result, thumbnail: outcome.thumbnail };
    case 'failed':
      return { ...message, error: outcome.error };
  }
}

/** The newest jobs as sent to the subscribers of all jobs. */
export function allJobsStateMessage(
  jobs: readonly JobView[],
  eventId: string | undefined,
): AllJobsStateMessage {
  return {
    type: 'state',
    job_id: ALL_JOBS,
    event_id: eventId,
    jobs: jobs.map(({ request, state, attempt }) => ({
      job_id: request.job_id,
      state,
      run: request.run,
      attempt,
      submitted_at: request.submitted_at,
    })),
  };
}
